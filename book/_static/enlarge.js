// A figure that is clicked on opens alone, as large as the window, or larger on a phone.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector("article");
  if (!article) return;
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.addEventListener("click", () => dialog.close());
  article.append(dialog);
  for (const image of article.querySelectorAll("figure > img")) {
    const link = document.createElement("a");
    link.href = image.src;
    link.title = "Enlarge this figure";
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      dialog.replaceChildren(image.cloneNode());
      dialog.showModal();
    });
    image.replaceWith(link);
    link.append(image);
  }
});
