// Which call an address leads to.

/** What the address's "#/Chapter/call_id", "#/call_id" or "#/Chapter" names, as keys of what to show: a
 * chapter and a call, a chapter, or nothing. A chapter may be named in the other language; a call's is taken
 * from the document. Links to the original debugger begin with "#!/". */
function linked(spec) {
  let parts;
  try {
    parts = decodeURIComponent(location.hash).replace(/^#!?/, "").split("/").filter((part) => part);
  } catch {
    return []; // half an escape
  }
  const id = parts.at(-1);
  const call = Object.values(spec.paths).flatMap(Object.values).find((one) => one.operationId === id);
  if (call)
    return [["operations-tag", call.tags[0]], ["operations", call.tags[0], id]];
  const chapter = spec.tags.find((tag) => Object.values(tag["x-names"]).includes(parts[0]));
  return chapter ? [["operations-tag", chapter.name]] : [];
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
