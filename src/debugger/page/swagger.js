// Swagger UI as this page needs it: without the parts that say nothing here, with calls found by their
// id in links, with its words translated, and with keys that stay when the page is loaded anew.

import { keepKeys, keptKeys } from "./kept.js";
import { swaggerPatterns, swaggerWords } from "./words.js";

// Title and description stand in the page's own head, and there is one server.
const nothing = () => null;
const withoutClutter = {
  components: {
    InfoContainer: nothing,
    ServersContainer: nothing,
  },
  // Every field of the dialog for keys asks for the focus: the last one gets it, out of sight of the first.
  wrapComponents: {
    Input: (Input, { React }) => (props) => React.createElement(Input, { ...props, autoFocus: false }),
  },
};

// --- links ------------------------------------------------------------------------------------------

/** What the address's "#/Chapter/call_id" names, as keys of what to show: a chapter and a call, a chapter, or nothing.
 * The call's chapter is taken from the document: that of the link may be in the other language. Links to the
 * original debugger begin with "#!/". */
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
function linksById(spec) {
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

// --- keys -------------------------------------------------------------------------------------------

const keepingKeys = (original, { authSelectors }) => (payload) => {
  const result = original(payload);
  keepKeys(authSelectors.authorized().map((key) => key.get("value")).toJS());
  return result;
};

const keysStay = {
  statePlugins: { auth: { wrapActions: { authorize: keepingKeys, logout: keepingKeys } } },
};

function restoreKeys(ui, schemes) {
  const known = Object.entries(keptKeys()).filter(([name, value]) => name in schemes && value);
  if (known.length)
    ui.authActions.authorize(Object.fromEntries(
      known.map(([name, value]) => [name, { name, schema: schemes[name], value }])));
}

// --- words ------------------------------------------------------------------------------------------

// What is not Swagger UI's own: code, what the user writes, and texts of the document. <i> in a text of
// the document is Swagger UI's again ("<i>Available values</i> : …"), and so is what became of a request.
const notItsWords = "code, textarea, pre:not(.errors-wrapper), .opblock-summary-control, .opblock-tag, "
  + ".renderedMarkdown";
const itsWords = "i, .live-responses-table .renderedMarkdown *";

function translated(text) {
  const trimmed = text.trim().replace(/\s+/g, " ");
  if (Object.hasOwn(swaggerWords, trimmed))
    return swaggerWords[trimmed];
  const [pattern, words] = swaggerPatterns.find(([one]) => one.test(trimmed)) ?? [];
  return pattern && trimmed.replace(pattern, words);
}

function translateText(node) {
  const element = node.parentElement;
  if (!element || (element.closest(notItsWords) && !element.matches(itsWords)))
    return;
  const words = translated(node.nodeValue);
  if (words && words !== node.nodeValue)
    node.nodeValue = words;
}

function translateAttributes(element) {
  for (const name of ["aria-label", "title"]) {
    const words = element.hasAttribute(name) && translated(element.getAttribute(name));
    if (words)
      element.setAttribute(name, words);
  }
}

function translateTree(root) {
  if (root.nodeType === Node.TEXT_NODE)
    return translateText(root);
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = root; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE)
      translateText(node);
    else if (node.nodeType === Node.ELEMENT_NODE)
      translateAttributes(node);
  }
}

/** Before it is seen: an observer runs before the next frame is drawn. React writes into the same text
 * nodes, and only when a text of its own changes. */
function keepTranslated(element) {
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes")
        translateAttributes(change.target);
      else if (change.type === "characterData")
        translateText(change.target);
      else
        change.addedNodes.forEach(translateTree);
    }
  }).observe(element, {
    subtree: true, childList: true, characterData: true, attributeFilter: ["aria-label", "title"],
  });
}

/** Shows the calls of the document in the element. */
export function showCalls(element, spec, language) {
  if (language === "zh")
    keepTranslated(element);
  const ui = window.SwaggerUIBundle({
    domNode: element,
    spec,
    plugins: [withoutClutter, linksById(spec), keysStay],
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => restoreKeys(ui, spec.components.securitySchemes),
  });
  addEventListener("hashchange", () => ui.layoutActions.parseDeepLinkHash());
}
