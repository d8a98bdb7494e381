/** What the server says of itself, and how the status bar words it. */
export interface State {
  phase:
    | 'starting'
    | 'stopped'
    | 'downloading'
    | 'loading'
    | 'ready'
    | 'failed'
    | 'paused'
    | 'missing';
  detail: string;
  fraction?: number | null;
}

export const STARTING: State = { phase: 'starting', detail: 'starting' };

const ICONS: Record<State['phase'], string> = {
  starting: 'sync~spin',
  stopped: 'circle-outline',
  downloading: 'cloud-download',
  loading: 'sync~spin',
  ready: 'sparkle',
  failed: 'error',
  paused: 'debug-pause',
  missing: 'error',
};

export function label(state: State, thinking = false): string {
  if (state.phase === 'ready') return thinking ? '$(loading~spin) copilotd' : '$(sparkle) copilotd';
  const share = state.fraction == null ? '' : ` ${Math.floor(state.fraction * 100)} %`;
  return `$(${ICONS[state.phase]}) copilotd: ${word(state.phase)}${share}`;
}

// A model that was unloaded for want of use comes back with the next keystroke.
function word(phase: State['phase']): string {
  if (phase === 'stopped') return 'idle';
  return phase === 'missing' ? 'not installed' : phase;
}
