// The page /docs: loads the document of the API in the user's language and shows its calls.

import { fillCalls } from "./call_values.js";
import { useDemo } from "./demo.js";
import { keepKeys, keepValues, keptKeys, keptValues } from "./kept.js";
import { currentLanguage, languageButtons } from "./language.js";
import { showCalls } from "./swagger.js";
import { own } from "./words.js";

// The page is at …/docs/, whatever prefix a reverse proxy has put before it.
const base = new URL("..", location.href.split(/[?#]/)[0]);
const language = currentLanguage();
const words = own[language];
const at = (id) => document.getElementById(id);

function say(text) {
  at("message").textContent = text;
  at("message").hidden = !text;
}

function offerDemo() {
  const button = at("demo");
  button.hidden = false;
  button.textContent = words.useDemo;
  if (keptValues().product_key) {
    button.textContent = words.demoUsed;
    button.classList.add("used");
  }
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { token, values } = await useDemo(base);
      keepKeys({ ...keptKeys(), token: `token ${token}` });
      keepValues(values);
      location.reload(); // the calls are filled when they are shown
    } catch (error) {
      say(words.demoFailed + error.message);
      button.disabled = false;
    }
  });
}

async function loadDocument() {
  const answer = await fetch(new URL(`openapi.json?lang=${language}`, base));
  if (!answer.ok)
    throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

async function start() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${words.title} · ${words.debugger}`;
  at("title").textContent = words.title;
  at("languages").replaceChildren(...languageButtons(language));
  const demo = "demo" in document.documentElement.dataset;
  if (demo)
    offerDemo();
  let spec;
  try {
    spec = await loadDocument();
  } catch (error) {
    say(words.noCalls + error.message);
    return;
  }
  at("about").textContent = spec.info.description;
  spec.servers = [{ url: base.href }];
  fillCalls(spec, { ...(demo && keptValues()), ...keptKeys() }, words);
  showCalls(at("calls"), spec, { language, base, words, say });
}

start();
