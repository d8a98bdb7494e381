import type { Act, Decision, Question } from '../src/chat/acts';
import { element } from './element';

/** What the user does about what the model does. */
export interface Deciding {
  decide: (id: string, decision: Decision) => void;
  undo: (id: string) => void;
}

const DECISIONS: readonly [Decision, string][] = [
  ['once', 'Allow'],
  ['session', 'Allow for this session'],
  ['deny', 'Deny'],
];

/** What was done for an answer: a line each, which opens to show the result; and the questions. */
export class Deeds {
  readonly root = element('div', 'deeds');

  constructor(private readonly deciding: Deciding) {}

  /** Draws an act, in place of what was drawn of it before. */
  draw(act: Act): void {
    const id = `act-${act.id}`;
    const drawn = element('div', `deed ${act.state}`, act.text ? folded(act) : act.title);
    drawn.id = id;
    if (act.canUndo) drawn.append(this.undo(act.id));
    const before = this.root.querySelector(`#${CSS.escape(id)}`);
    if (before) before.replaceWith(drawn);
    else this.root.append(drawn);
  }

  ask({ id, title, diff, command }: Question): void {
    const buttons = DECISIONS.map(([decision, label]) => {
      const button = element('button', decision, label);
      button.addEventListener('click', () => this.deciding.decide(id, decision));
      return button;
    });
    const body = diff ? difference(diff) : element('pre', '', command);
    const card = element('div', 'asks', element('p', '', `${title}?`), body);
    card.append(element('div', 'decisions', ...buttons));
    card.id = `asks-${id}`;
    this.root.append(card);
    card.scrollIntoView({ block: 'nearest' });
  }

  private undo(id: string): HTMLElement {
    const button = element('button', 'undo', 'Undo');
    button.addEventListener('click', () => this.deciding.undo(id));
    return button;
  }
}

function folded({ title, text }: Act): HTMLElement {
  const details = element('details', '', element('summary', '', title));
  details.append(element('pre', '', text));
  return details;
}

function difference(diff: string): HTMLElement {
  const [, , ...lines] = diff.replace(/\n$/, '').split('\n');
  const kinds: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'place' };
  return element('pre', '', ...lines.map((l) => element('div', kinds[l[0] ?? ''] ?? '', l || ' ')));
}
