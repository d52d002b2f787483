// Swagger UI as this page needs it: without the parts that say nothing here, with calls found by their
// id in links, with its words translated, and with keys that stay when the page is loaded anew.

import { keepKeys, keptKeys } from "./kept.js";
import { swaggerPatterns, swaggerWords } from "./words.js";

// Title and description stand in the page's own head, there is one server, and nothing is sent to a
// validator.
const nothing = () => null;
const withoutClutter = {
  components: {
    InfoContainer: nothing,
    ServersContainer: nothing,
    OnlineValidatorBadge: nothing,
    onlineValidatorBadge: nothing,
  },
  // Every field of the dialog for keys asks for the focus: the last one gets it, out of sight of the first.
  wrapComponents: {
    Input: (Input, { React }) => (props) => React.createElement(Input, { ...props, autoFocus: false }),
  },
};

/** Opens the call of "#/Chapter/call_id". Its chapter is taken from the document: the one of the link may be in
 * the other language. "#!/Chapter/call_id", as links to the original debugger are written, is the same. */
const linksById = {
  statePlugins: {
    layout: {
      wrapActions: {
        parseDeepLinkHash: (_original, { layoutActions, specSelectors }) => (hash) => {
          let chapter, id;
          try {
            [chapter, id] = hash.replace(/^#!?\/?/, "").split("/").map(decodeURIComponent);
          } catch {
            return; // no link that this page has made
          }
          const call = id && specSelectors.operations()
            .find((one) => one.getIn(["operation", "operationId"]) === id);
          if (call)
            chapter = call.getIn(["operation", "tags", 0]);
          if (chapter)
            layoutActions.show(["operations-tag", chapter], true);
          if (call) {
            layoutActions.show(["operations", chapter, id], true);
            layoutActions.scrollTo(["operations", chapter, id]);
          }
        },
      },
    },
  },
};

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
  if (trimmed in swaggerWords)
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
    plugins: [withoutClutter, linksById, keysStay],
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => restoreKeys(ui, spec.components.securitySchemes),
  });
}
