// Which of the two languages the page speaks: the one chosen here before, else the browser's.

export const languages = { zh: "中文", en: "English" };

function remembered() {
  try {
    return localStorage.getItem("muster-language");
  } catch {
    return null;
  }
}

export function currentLanguage() {
  const wanted = [remembered(), ...navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())];
  return wanted.find((tag) => tag in languages) ?? "en";
}

/** Buttons for all languages. What the page shows is made of one language, so another one loads it anew. */
export function languageButtons(current) {
  return Object.entries(languages).map(([language, name]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = language;
    button.textContent = name;
    button.setAttribute("aria-pressed", language === current);
    button.addEventListener("click", () => {
      try {
        localStorage.setItem("muster-language", language);
      } catch { /* forbidden: the browser's language then stays */ }
      location.reload();
    });
    return button;
  });
}
