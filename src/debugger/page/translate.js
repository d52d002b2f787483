// Puts Swagger UI's words into Chinese where they appear.

import { swaggerPatterns, swaggerWords } from "./words.js";

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

/** Translates what appears in the element before it is seen: an observer runs before the next frame is
 * drawn. React writes into the same text nodes, and only when a text of its own changes. */
export function keepTranslated(element) {
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
