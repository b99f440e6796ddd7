// A figure that is clicked on opens alone, as large as it is.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll("article figure > img")) {
    const link = document.createElement("a");
    link.href = image.src;
    link.title = "Enlarge this figure";
    image.replaceWith(link);
    link.append(image);
  }
});
