// The live stream, and noticing without the server's help that it has ended.

const SILENCE_MS = 2300; // beats come once a second: two are missing
const LOOK_MS = 200;
const RETRY_MS = 2000;
const STREAM = "api/v1/live";

export class Feed {
  /** `on` has overview(json), beat(json), lost(), look(seconds of silence). */
  constructor(on) {
    this.on = on;
    this.lost = false;
    this.heard = performance.now();
    this.tried = 0;
  }

  start() {
    this.open();
    setInterval(() => this.look(), LOOK_MS);
  }

  /** A stream begins with the overview of now, so that a page is complete at once. */
  open() {
    this.tried = performance.now();
    this.source?.close();
    const source = new EventSource(STREAM);
    source.addEventListener("overview", (event) => this.take(this.on.overview, event.data));
    source.addEventListener("beat", (event) => this.take(this.on.beat, event.data));
    this.source = source;
  }

  take(handler, text) {
    this.heard = performance.now();
    this.lost = false;
    handler(JSON.parse(text));
  }

  /** A stream can end, be refused, or hang half open; silence is the one sign of all three. */
  look() {
    const silent = performance.now() - this.heard;
    if (!this.lost && silent > SILENCE_MS) {
      this.lost = true;
      this.on.lost();
    }
    if (this.lost && performance.now() - this.tried > RETRY_MS) this.open();
    this.on.look(silent / 1000);
  }
}

/** Fetch JSON; an Error names what was asked for and what came instead. */
export async function getJson(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

export async function postJson(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

async function reason(answer) {
  try {
    const { detail } = await answer.json();
    if (typeof detail === "string") return detail;
  } catch {
    // not JSON: the status has to do
  }
  return `the gateway answered ${answer.status}`;
}
