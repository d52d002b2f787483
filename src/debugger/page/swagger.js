// Swagger UI as this page needs it: without the parts that say nothing here, and with keys that stay when
// the page is loaded anew.

import { keepKeys, keptKeys } from "./kept.js";
import { linksById } from "./links.js";
import { keepTranslated } from "./translate.js";

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
