import type { MessageFromPage, MessageToPage, PageTurn } from '../src/chat/pageMessages';
import { Answer, type CodeAction } from './answer';
import { createElement } from './element';
import { markUndone, removeApproval, type ToolCallActions } from './toolCallList';

declare function acquireVsCodeApi(): { postMessage(message: MessageFromPage): void };

/** In pixels. Closer to the end than this, the page scrolls with the answer. */
const NEAR_THE_END = 40;

const api = acquireVsCodeApi();
const turns = getElement<HTMLElement>('turns');
const form = getElement<HTMLFormElement>('form');
const question = getElement<HTMLTextAreaElement>('question');
const send = getElement<HTMLButtonElement>('send');
const subject = getElement<HTMLElement>('subject');
const tools = getElement<HTMLButtonElement>('tools');
let answer: Answer | undefined;

addEventListener('message', ({ data }: MessageEvent<MessageToPage>) => {
  const isAtEnd = innerHeight + scrollY >= document.body.scrollHeight - NEAR_THE_END;
  handleMessage(data);
  if (isAtEnd || data.type === 'answerStarted') scrollTo(0, document.body.scrollHeight);
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (answer) return api.postMessage({ type: 'stop' });
  const text = question.value.trim();
  if (!text) return;
  question.value = '';
  fitQuestionHeight();
  api.postMessage({ type: 'ask', text });
});

question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!answer) form.requestSubmit();
});

question.addEventListener('input', fitQuestionHeight);

tools.addEventListener('click', () => api.postMessage({ type: 'toggleTools' }));

for (const control of [question, send, tools]) control.disabled = false;
api.postMessage({ type: 'ready' });

function handleMessage(message: MessageToPage): void {
  switch (message.type) {
    case 'conversation':
      answer = undefined;
      turns.replaceChildren(...message.turns.map(createTurn));
      break;
    case 'answerStarted':
      answer = new Answer(postCodeAction, toolCallActions);
      turns.append(answer.root);
      break;
    case 'answerDelta':
      answer?.append(message.delta);
      break;
    case 'toolCall':
      answer?.showToolCall(message.item);
      break;
    case 'approvalRequested':
      answer?.askApproval(message.request);
      break;
    case 'approvalDecided':
      removeApproval(message.id);
      break;
    case 'editUndone':
      markUndone(message.id);
      break;
    case 'tools':
      tools.ariaPressed = String(message.isEnabled);
      break;
    case 'answerEnded':
      answer?.end(message.note);
      answer = undefined;
      break;
    case 'answerFailed':
      showFailure(message.message, message.question);
      break;
    case 'subject':
      subject.textContent = message.location && `About ${message.location}`;
  }
  send.textContent = answer ? 'Stop' : 'Send';
  document.body.classList.toggle('answering', answer !== undefined);
}

function createTurn({ role, text, toolCalls, location }: PageTurn): HTMLElement {
  if (role === 'assistant') {
    const stored = new Answer(postCodeAction, toolCallActions);
    for (const item of toolCalls) stored.showToolCall(item);
    stored.showComplete(text);
    return stored.root;
  }
  const turn = createElement('article', 'question', createElement('p', '', text));
  if (location) turn.append(createElement('small', '', location));
  return turn;
}

/** Show the error in place of the question and its answer, and put the question back. */
function showFailure(message: string, failedQuestion: string): void {
  answer?.root.remove();
  answer = undefined;
  turns.lastElementChild?.remove();
  turns.append(createElement('p', 'error', message));
  question.value ||= failedQuestion;
  fitQuestionHeight();
}

function postCodeAction(type: CodeAction, code: string): void {
  api.postMessage({ type, code });
}

const toolCallActions: ToolCallActions = {
  decide: (id, decision) => api.postMessage({ type: 'decide', id, decision }),
  undo: (id) => api.postMessage({ type: 'undo', id }),
};

function fitQuestionHeight(): void {
  question.style.height = 'auto';
  question.style.height = `${question.scrollHeight}px`;
}

function getElement<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element with the id ${id}`);
  return element as T;
}
