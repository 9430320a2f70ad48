import { PATIENCE } from './patience.ts'
import type { ClientRecord } from './messages.ts'
import type { Sleep } from './crowd.ts'

type StateRecord = Extract<ClientRecord, { readonly type: 'state' }>

interface Span {
  readonly client: number
  readonly fromMs: number
  readonly untilMs: number
}

interface Stall {
  readonly client: number
  readonly atMs: number
  noticedMs: number
}

/** A client that is not asleep notices a half-open link within so many milliseconds. The last ones are for a busy machine. */
const NOTICE_LIMIT_MS = PATIENCE.pingMs + PATIENCE.pongMs + 500

const WINDOW_MS = 100
const HERD_MS = 5_000

/** What a run measures. These figures are printed, and decide nothing. */
export class Figures {
  readonly #outages: Span[] = []
  readonly #lostMs = new Map<number, number>()
  readonly #stalls: Stall[] = []
  readonly #herds = new Map<string, number[]>()

  /** Takes a state that a client has entered. */
  enter({ client, state, atMs }: StateRecord, wasConnected: boolean): void {
    const lostMs = this.#lostMs.get(client)
    if (state === 'connected') {
      this.#lostMs.delete(client)
      if (lostMs !== undefined) this.#outages.push({ client, fromMs: lostMs, untilMs: atMs })
    } else if (wasConnected) {
      this.#lostMs.set(client, atMs)
      for (const stall of this.#stalls) if (stall.client === client && stall.noticedMs === Infinity && atMs >= stall.atMs) stall.noticedMs = atMs
    }
  }

  stalled(client: number, atMs: number): void {
    this.#stalls.push({ client, atMs, noticedMs: Infinity })
  }

  /** Something sent many clients away at once. */
  scattered(how: string, atMs: number): void {
    this.#herds.set(how, [...(this.#herds.get(how) ?? []), atMs])
  }

  lines(attemptsMs: readonly number[], sleeps: readonly Sleep[]): string[] {
    const isAwake = ({ client, fromMs, untilMs }: Span): boolean => {
      return !sleeps.some((sleep) => sleep.clients.includes(client) && sleep.fromMs < untilMs && sleep.untilMs > fromMs)
    }
    const outages = this.#outages.filter(isAwake).map(({ fromMs, untilMs }) => untilMs - fromMs)
    const stalls = this.#stalls.filter(({ client, atMs }) => isAwake({ client, fromMs: atMs, untilMs: atMs + NOTICE_LIMIT_MS }))
    const noticed = stalls.filter(({ atMs, noticedMs }) => noticedMs - atMs <= NOTICE_LIMIT_MS).length
    const share = stalls.length === 0 ? 'none' : `${((100 * noticed) / stalls.length).toFixed(1)} %`
    return [
      `outages of clients that were awake: ${outages.length}, p50 ${percentile(outages, 0.5)} ms, p99 ${percentile(outages, 0.99)} ms (goal: 4,000)`,
      `half-open links: ${stalls.length}, noticed within ${NOTICE_LIMIT_MS} ms: ${share} (goal: 95 %)`,
      ...[...this.#herds].map(([how, timesMs]) => `attempts in the worst ${WINDOW_MS} ms after a ${how}: ${Math.max(...timesMs.map((atMs) => worst(attemptsMs, atMs)))}`),
    ]
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

function worst(attemptsMs: readonly number[], fromMs: number): number {
  const herd = attemptsMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + HERD_MS)
  return Math.max(0, ...herd.map((startMs) => herd.filter((atMs) => atMs >= startMs && atMs < startMs + WINDOW_MS).length))
}
