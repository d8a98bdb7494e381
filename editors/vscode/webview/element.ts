export function element(
  tag: string,
  className: string,
  ...children: (string | HTMLElement)[]
): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}
