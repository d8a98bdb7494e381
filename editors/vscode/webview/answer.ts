import MarkdownIt from 'markdown-it';
import type { Act as Done, Question } from '../src/chat/acts';
import { type Deciding, Deeds } from './deeds';
import { element } from './element';

export type Act = (type: 'insert' | 'apply' | 'copy', code: string) => void;

const ACTIONS = [
  ['copy', 'Copy'],
  ['insert', 'Insert'],
  ['apply', 'Apply…'],
] as const;

// HTML in an answer is shown as text.
const markdown = new MarkdownIt({ html: false, linkify: false });

/** An answer as Markdown, drawn again as it grows. */
export class Answer {
  readonly root = element('article', 'answer');
  private readonly body = element('div', 'markdown');
  private readonly deeds: Deeds;
  private text = '';
  private waits = false;

  constructor(
    private readonly act: Act,
    deciding: Deciding,
  ) {
    this.deeds = new Deeds(deciding);
    this.root.append(this.deeds.root, this.body);
  }

  /** Something that was done for the answer, or is being done. */
  did(act: Done): void {
    this.deeds.draw(act);
  }

  /** The user decides whether it is done. */
  ask(question: Question): void {
    this.deeds.ask(question);
  }

  /** All of an answer that was kept. */
  whole(text: string): void {
    this.text = text;
    this.end('');
  }

  add(piece: string): void {
    this.text += piece;
    if (this.waits) return;
    this.waits = true;
    // Pieces come faster than a screen is drawn.
    requestAnimationFrame(() => this.draw());
  }

  /** Code can be taken from here on. */
  end(note: string): void {
    this.draw();
    for (const pre of this.body.querySelectorAll('pre')) pre.before(this.bar(pre));
    if (note) this.root.append(element('p', 'note', note));
  }

  private draw(): void {
    this.waits = false;
    if (this.body.querySelector('.bar')) return;
    this.body.innerHTML = markdown.render(this.text);
  }

  private bar(pre: HTMLElement): HTMLElement {
    const code = pre.textContent?.replace(/\n$/, '') ?? '';
    const buttons = ACTIONS.map(([type, label]) => {
      const button = element('button', type, label);
      button.addEventListener('click', () => this.act(type, code));
      return button;
    });
    return element('div', 'bar', ...buttons);
  }
}
