// Which call an address leads to.

/** What the address's "#/Chapter/call_id" names, as keys of what to show: a chapter and a call, a chapter,
 * or nothing. The call's chapter is taken from the document: that of the link may be in the other language.
 * Links to the original debugger begin with "#!/". */
function linked(spec) {
  let chapter, id;
  try {
    [chapter, id] = decodeURIComponent(location.hash).replace(/^#!?\/?/, "").split("/");
  } catch {
    return []; // half an escape
  }
  const call = Object.values(spec.paths).flatMap(Object.values).find((one) => one.operationId === id);
  if (call)
    return [["operations-tag", call.tags[0]], ["operations", call.tags[0], id]];
  return spec.tags.some((tag) => tag.name === chapter) ? [["operations-tag", chapter]] : [];
}

/** Swagger UI's own reading takes "_" for a blank, knows one language, and stumbles over half an escape. */
export function linksById(spec) {
  if (linked(spec).length === 0)
    history.replaceState(null, "", location.pathname + location.search);
  return {
    statePlugins: {
      layout: {
        wrapActions: {
          parseDeepLinkHash: (_original, { layoutActions }) => () => {
            const keys = linked(spec);
            keys.forEach((key) => layoutActions.show(key, true));
            if (keys.length)
              layoutActions.scrollTo(keys.at(-1));
          },
        },
      },
    },
  };
}
