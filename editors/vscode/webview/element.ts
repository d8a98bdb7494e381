export function createElement(
  tag: string,
  className: string,
  ...children: (string | HTMLElement)[]
): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}
