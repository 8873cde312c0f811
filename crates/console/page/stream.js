// Keeps a stream of snapshots open while the page is looked at, and says how that goes.

import { open } from "./calls.js";

const AGAIN_AFTER = 2000;
const SILENT_AFTER = 6000;

/** Calls `shown` with each snapshot, and `state` with "live", "connecting" or "silent". */
export function follow(shown, state) {
  let source = null;
  let silence = 0;
  let again = 0;

  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => state("silent"), SILENT_AFTER);
  };

  const start = () => {
    stop();
    state("connecting");
    source = new EventSource("events");
    source.addEventListener("snapshot", (event) => {
      listen();
      state("live");
      shown(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      state("connecting");
      // The browser comes again by itself where the stream ended, and not where it was refused: then it may be asked to sign in.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(() => open().then(start, start), AGAIN_AFTER);
    });
  };

  const stop = () => {
    clearTimeout(silence);
    clearTimeout(again);
    source?.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  start();
}
