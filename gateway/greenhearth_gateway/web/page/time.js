// The gateway's clock as the page knows it. Ages count by the browser's monotonic clock, so a
// wrong wall clock of the screen's computer makes nothing look older or fresher.

/** A line is stale when its last record is older than this, whatever its scan interval [s]. */
const STALE_FLOOR_S = 2.4; // with a look every 0.2 s: visible within 3 s
const STALE_SCANS = 2.4;

export class DataClock {
  ns = 0;
  speed = 1;
  at = 0;

  /** Take over the gateway's time; it may run faster than the wall (`speed`). */
  take(ns, speed = this.speed) {
    this.ns = ns;
    this.speed = speed;
    this.at = performance.now();
  }

  now() {
    return this.ns + (performance.now() - this.at) * 1e6 * this.speed;
  }

  /** Age of a data time in seconds of a person's life; null if it never was. */
  age(ns) {
    return ns ? (this.now() - ns) / 1e9 / this.speed : null;
  }
}

/** Longest age [s] of a live value: a few scans of its agent's slowest bus, at least the floor. */
export function staleAfter(overview, agent) {
  const scans = overview.buses.filter((bus) => bus.agent === agent).map((bus) => bus.scan_interval_s);
  return Math.max(STALE_FLOOR_S, (STALE_SCANS * Math.max(0, ...scans)) / overview.speed);
}
