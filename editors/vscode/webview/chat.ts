import type { FromPage, Shown, ToPage } from '../src/chat/messages';
import { Answer } from './answer';
import type { Deciding } from './deeds';
import { element } from './element';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const NEAR_THE_END = 40;

const api = acquireVsCodeApi();
const turns = find<HTMLElement>('turns');
const form = find<HTMLFormElement>('form');
const question = find<HTMLTextAreaElement>('question');
const send = find<HTMLButtonElement>('send');
const subject = find<HTMLElement>('subject');
const tools = find<HTMLButtonElement>('tools');
let answer: Answer | undefined;

addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
  const follows = innerHeight + scrollY >= document.body.scrollHeight - NEAR_THE_END;
  received(data);
  if (follows || data.type === 'answering') scrollTo(0, document.body.scrollHeight);
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (answer) return api.postMessage({ type: 'stop' });
  const text = question.value.trim();
  if (!text) return;
  question.value = '';
  grow();
  api.postMessage({ type: 'ask', text });
});

question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!answer) form.requestSubmit();
});

question.addEventListener('input', grow);

tools.addEventListener('click', () => api.postMessage({ type: 'tools' }));

for (const control of [question, send, tools]) control.disabled = false;
api.postMessage({ type: 'ready' });

function received(message: ToPage): void {
  switch (message.type) {
    case 'turns':
      answer = undefined;
      turns.replaceChildren(...message.turns.map(drawn));
      break;
    case 'answering':
      answer = new Answer(act, acts);
      turns.append(answer.root);
      break;
    case 'piece':
      answer?.add(message.text);
      break;
    case 'act':
      answer?.did(message.act);
      break;
    case 'asks':
      answer?.ask(message.question);
      break;
    case 'decided':
      document.getElementById(`asks-${message.id}`)?.remove();
      break;
    case 'undone':
      document.getElementById(`act-${message.id}`)?.classList.add('undone');
      break;
    case 'tools':
      tools.ariaPressed = String(message.on);
      break;
    case 'answered':
      answer?.end(message.note);
      answer = undefined;
      break;
    case 'failed':
      failed(message.message, message.question);
      break;
    case 'subject':
      subject.textContent = message.place && `About ${message.place}`;
  }
  send.textContent = answer ? 'Stop' : 'Send';
  document.body.classList.toggle('answering', answer !== undefined);
}

function drawn({ role, text, acts: done, place }: Shown): HTMLElement {
  if (role === 'assistant') {
    const kept = new Answer(act, acts);
    for (const one of done) kept.did(one);
    kept.whole(text);
    return kept.root;
  }
  const turn = element('article', 'question', element('p', '', text));
  if (place) turn.append(element('small', '', place));
  return turn;
}

function failed(message: string, asked: string): void {
  answer?.root.remove();
  answer = undefined;
  turns.lastElementChild?.remove();
  turns.append(element('p', 'error', message));
  question.value ||= asked;
  grow();
}

function act(type: 'insert' | 'apply' | 'copy', code: string): void {
  api.postMessage({ type, code });
}

const acts: Deciding = {
  decide: (id, decision) => api.postMessage({ type: 'decide', id, decision }),
  undo: (id) => api.postMessage({ type: 'undo', id }),
};

function grow(): void {
  question.style.height = 'auto';
  question.style.height = `${question.scrollHeight}px`;
}

function find<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found as T;
}
