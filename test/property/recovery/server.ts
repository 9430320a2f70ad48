import { ConnectionManager, type RecorderSettings, type StreamMessage } from '../../../src/index.ts'
import { createRecovery, type RecoverableManager, type Recovery, type SnapshotStream } from '../../../src/recovery/index.ts'
import type { FakeSocket } from '../../support/fake-socket.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { streams, type Streams } from './catalogue.ts'
import { IDLE_DELAY_MS, SOFT_LIMIT_BYTES, type Settings } from './settings.ts'

/** What the server calls. */
export interface ServerHooks {
  randomEpoch(): string
  snapshot(stream: SnapshotStream): unknown
  /** Throws now and then. */
  stamping(text: string): void
  recorded(message: StreamMessage<unknown, string>, text: string, stamped: string): void
  /** Returns an answer that waits for its turn, as it is to be given. */
  waiting(answer: () => void): () => void
  /** The connection that asks is left out of a message that has no number yet. */
  leavingOut(): void
  /** A message is sent again. */
  repeated(): void
  /** A revocation counts from now on. */
  revoked(revocation: Revocation): void
}

type Revocation = Parameters<Recovery<Streams>['revoked']>[0]

export type Manager = ConnectionManager<FakeSocket, Streams>

/** One run of a server, up to its restart. */
export interface Server {
  readonly manager: Manager
  readonly recovery: Recovery<Streams>
}

/** Starts a server. Between the manager and its recovery stands a witness, which sees what is numbered and how. */
export function startServer(settings: Settings, clock: ManualClock, hooks: ServerHooks, restore?: string): Server {
  const { hardLimitBytes, hasSnapshots, isCustom, limits, replay } = settings
  const recovery = createRecovery<Streams>({
    history: { ...limits },
    replay,
    restore,
    randomEpoch: () => hooks.randomEpoch(),
    snapshot: hasSnapshots ? (stream) => hooks.snapshot(stream) as never : undefined,
    stamp: isCustom ? (text, { epoch, seq, snapshot }) => (hooks.stamping(text), `${text.slice(0, -1)}${JSON.stringify({ epoch, seq, snapshot }).replace('{', ',')}`) : undefined,
    onError: () => {},
  })
  const manager = new ConnectionManager<FakeSocket, Streams>({
    streams,
    clock,
    serialize: isCustom ? customText : undefined,
    idleDelayMs: IDLE_DELAY_MS,
    delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes, maxLagMs: 20_000 },
    recorder: {
      attach: (attached: RecoverableManager, given: RecorderSettings) =>
        recovery.attach(attached, {
          ...given,
          inTurn: (answer, hold) => given.inTurn(hooks.waiting(answer), hold),
          leavesOut(...facts) {
            const isLeftOut = given.leavesOut(...facts)
            if (isLeftOut) hooks.leavingOut()
            return isLeftOut
          },
          sendAgain(...facts) {
            hooks.repeated()
            given.sendAgain(...facts)
          },
        }),
      record(message: StreamMessage<unknown, string>, text: string) {
        const stamped = recovery.record(message, text)
        hooks.recorded(message, text, stamped)
        return stamped
      },
      skip: (message: StreamMessage<unknown, string>) => recovery.skip(message),
      revoked(revocation: Revocation) {
        recovery.revoked(revocation)
        hooks.revoked(revocation)
      },
    },
  })
  manager.on('error', () => {})
  return { manager, recovery }
}

function customText({ data, streamType, symbol, userId }: StreamMessage<unknown, string>): string {
  return JSON.stringify({ stream_type: streamType, symbol: symbol ?? null, data, user_id: userId ?? null })
}
