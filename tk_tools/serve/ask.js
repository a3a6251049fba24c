// Requests to the service, with the token that it asks for; the token stays in this tab.
const KEY = "tk-serve token";

export const token = () => sessionStorage.getItem(KEY);
export const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

// fetch, with the token; asks for one where it is missing or wrong, and goes on when there is one.
export async function ask(path, options = {}) {
  for (;;) {
    const answer = await fetch(path, { ...options, headers: headers() });
    if (answer.status !== 401) return answer;
    await askForToken();
  }
}

let asked = null;

export function askForToken() {
  asked ??= new Promise((resolve) => {
    const form = document.getElementById("token-form");
    const field = document.getElementById("token");
    document.getElementById("token-said").textContent = token() ? "That is not the token of this service." : "";
    form.hidden = false;
    field.focus();
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        sessionStorage.setItem(KEY, field.value.trim());
        field.value = "";
        form.hidden = true;
        asked = null;
        resolve();
      },
      { once: true },
    );
  });
  return asked;
}

// Why a request was refused, in words.
export async function problem(answer) {
  const text = await answer.text();
  return words(text) || `The service answered ${answer.status}.`;
}

export function words(text) {
  try {
    return JSON.parse(text).error || "";
  } catch {
    return "";
  }
}
