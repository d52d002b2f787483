// Swagger UI as this page needs it: without the parts that say nothing here, with links and keys of its own.

import { keysOf, offerProductKeys } from "./keys.js";
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

/** Shows the calls of the document in the element. base is the server's address; say tells the user what
 * went wrong. */
export function showCalls(element, spec, { language, base, words, say }) {
  if (language === "zh")
    keepTranslated(element);
  offerProductKeys(spec.components.securitySchemes, words);
  const keys = keysOf(spec, base, words, say);
  const ui = window.SwaggerUIBundle({
    domNode: element,
    spec,
    plugins: [withoutClutter, linksById(spec), keys.plugin],
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    responseInterceptor: keys.answered,
    onComplete: () => keys.restore(ui),
  });
  addEventListener("hashchange", () => ui.layoutActions.parseDeepLinkHash());
}
