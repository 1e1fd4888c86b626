// Three comforts. Without them a page can be read and reached just as well.

// A phone has no room for the contents beside the text, so they wait folded above it.
const contents = document.querySelector(".side details");
if (contents) {
  const roomy = matchMedia("(min-width: 70rem)");
  const fold = () => {
    contents.open = roomy.matches;
  };
  fold();
  roomy.addEventListener("change", fold);
}

// The contents show which section is being read: the last whose heading stands in the upper third.
function markSection() {
  const links = [...document.querySelectorAll('.side a[href^="#"]')];
  const headings = links.map((link) =>
    document.getElementById(decodeURIComponent(link.hash.slice(1))),
  );
  const mark = () => {
    const line = innerHeight / 3;
    const place = headings.findLastIndex((heading) => heading.getBoundingClientRect().top < line);
    links.forEach((link, number) => {
      if (number === place) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
  };
  // far above, too, so that a jump past several headings is noticed
  const observer = new IntersectionObserver(mark, { rootMargin: "1000000px 0px -66% 0px" });
  headings.forEach((heading) => observer.observe(heading));
}

// Every code and output can be reached by the Tab key, because it may be wider than the page and
// must then be scrolled by the arrow keys. What is not wider need not be stopped at.
function stopOnlyWhereSomethingScrolls() {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const regions = document.querySelectorAll('[role="group"][tabindex="0"]');
  regions.forEach((region) => observer.observe(region));
}

addEventListener("load", () => {
  markSection();
  stopOnlyWhereSomethingScrolls();
});
