// The button that prints: shown only where it works.

const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => print());
