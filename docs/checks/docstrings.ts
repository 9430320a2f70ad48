import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readText } from '../../test/support/markdown.ts'
import { runnable, typeErrors } from '../../test/support/typescript.ts'

const SRC = new URL('../../src/', import.meta.url)
const IMPORTS =
  "import { ConnectionManager, ConnectionManagerError, createStreamMessage, defineStreams, parseServerMessage, rawJson } from 'stream-connection-manager'"

/** What an example takes for granted, by its file. */
const SURROUNDINGS: Readonly<Record<string, string>> = {
  'client/client.ts': `
    const stream = { stream_type: 'TRADES', symbol: 'BTCUSDT' }
    const message = { ...stream, data: 64_000, timestamp: '2026-01-31T12:00:00.000Z', user_id: null, epoch: 'k3f9', seq: 1 }
    class WebSocket {
      onmessage: ((event: { data: string }) => void) | null = null
      constructor(readonly url: string) {
        setTimeout(() => this.answer({ type: 'welcome', version: 1, connection_id: 'c1' }))
      }
      send(text: string): void {
        const [{ id }] = JSON.parse(text)
        this.answer({ ...stream, type: 'subscribed', id, position: 'k3f9:0', recovered: null, contiguous: true, delivery: 'every' })
        this.answer(message)
        this.answer({ ...message, seq: 4 })
      }
      answer(frame: object): void {
        this.onmessage?.({ data: JSON.stringify(frame) })
      }
      close(): void {}
    }`,
  'connection-manager.ts': 'const socket = { send() {}, close() {} } as unknown as WebSocket',
  'errors.ts': `
    const socket = { send: (text: string) => console.log(text), close() {} }
    const connection = new ConnectionManager().addConnection('c1', socket, 'alice')
    const command = { streamType: 'GOSSIP' } as never`,
  'operations/metrics/instrument.ts': `
    import type { MetricsMeter } from 'stream-connection-manager/operations'
    const made = () => ({ record() {} })
    const noMeter: MetricsMeter = {
      createHistogram: made, createObservableCounter: made, createObservableGauge: made, createObservableUpDownCounter: made,
      addBatchObservableCallback() {}, removeBatchObservableCallback() {},
    }
    const metrics = { getMeter: (_name: string) => noMeter }`,
  'operations/absence/watch-absence.ts': 'const socket = { send() {}, close() {} } as unknown as WebSocket',
  'model/raw-json.ts': 'const manager = new ConnectionManager()',
  'protocol/command-server.ts': 'const socket = { send() {}, close() {} } as unknown as WebSocket',
  'recovery/recovery.ts': `
    const socket = { send() {}, close() {} } as unknown as WebSocket
    const positionOfTheClient = 'k3f9:17'`,
  'testing/describe-backplane.ts': `
    import type { BackplaneHarness } from 'stream-connection-manager/testing'
    declare const harness: BackplaneHarness`,
  'testing/describe-host.ts': `
    import type { HostHarness } from 'stream-connection-manager/testing'
    declare const harness: HostHarness`,
  'transports/bun.ts': `
    import type { Connection } from 'stream-connection-manager'
    interface Session { id: string; userId: string; connection?: Connection<Bun.ServerWebSocket<Session>> }
    declare function authenticatedUpgrade(request: Request, server: Bun.Server<Session>): Response | undefined
    declare function obey(ws: Bun.ServerWebSocket<Session>, text: string | Buffer): void`,
  'transports/sse.ts': `
    import { randomUUID } from 'node:crypto'
    import { createServer } from 'node:http'`,
  'transports/uws.ts': `
    import type { Connection } from 'stream-connection-manager'
    interface Session { id: string; userId: string; connection?: Connection<WebSocket<Session>> }`,
  'transports/ws.ts': 'const socket = { send() {}, close() {} } as unknown as WebSocket',
}

/** What stands for libraries that cannot be installed, for the compiler. */
const AMBIENT = ['test/support/brokers.d.ts', 'test/support/bun.d.ts', 'test/support/uws.d.ts']

/** Examples that only compile, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'backplanes/memory/memory-bus.ts': 'it starts four processes',
  'backplanes/nats.ts': 'it needs NATS',
  'backplanes/redis/redis-backplane.ts': 'it needs Redis',
  'testing/describe-backplane.ts': 'it needs a broker',
  'hosts/ws.ts': 'it listens on a port, and waits for SIGTERM',
  'testing/describe-host.ts': 'it needs a host',
  'transports/bun.ts': 'it needs Bun',
  'transports/uws.ts': 'it needs uWebSockets.js',
}

/** What an example prints, by its file; nothing where it is not named. */
const PRINTED: Readonly<Record<string, string>> = {
  'client/client.ts': 'connecting\nconnected\n64000\nmissing: 2\n64000\n',
  'client/track-positions.ts': '1 k3f9:18\n',
  'errors.ts': '{"refused":"ERR_UNKNOWN_STREAM"}\n',
  'model/wire-form.ts': 'TRADES BTCUSDT 7\n',
  'operations/drain/drain.ts': '0 0 0 0\n',
  'operations/absence/watch-absence.ts': 'cancel the orders of alice: removed\n',
  'testing/audit/audit.ts': '[]\n',
  'testing/fake-socket.ts': '[] 2\n[ 3 ]\n',
  'testing/fake-transport.ts': '1 [ 1, 2, 3 ]\n',
  'testing/manual-clock.ts': '0 0\n',
}

interface Example {
  readonly file: string
  readonly code: string
}

const examples = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .flatMap((file) => commentsIn(file).map(examplesIn).filter((parts) => parts.length > 0).map((parts) => asExample(file, parts)))

function commentsIn(file: string): string[] {
  return Array.from(readText(new URL(file, SRC)).matchAll(/^ *\/\*\*[^]*?\*\//gm), ([comment]) => comment)
}

/** The code of each example of a comment: all of it, up to the next tag or the end. */
function examplesIn(comment: string): string[] {
  return Array.from(comment.matchAll(/^ *\* @example\n([^]*?)(?=^ *\* @|^ *\*\/)/gm), ([, lines = '']) => lines.replaceAll(/^ *\* ?/gm, ''))
}

/** Those of one comment are read one after the other, so they are one module: the later go on from the earlier. */
function asExample(file: string, parts: readonly string[]): Example {
  return { file, code: [IMPORTS, SURROUNDINGS[file] ?? '', ...parts, 'export {}', ''].join('\n') }
}

describe('the examples in docstrings', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'docstrings-'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('stand on each public class and on what is not plain from a signature', () => {
    const files = examples.map(({ file }) => file).toSorted()

    expect(files).toEqual([
      'backplanes/memory/memory-backplane.ts',
      'backplanes/memory/memory-bus.ts',
      'backplanes/nats.ts',
      'backplanes/redis/redis-backplane.ts',
      'client/client.ts',
      'client/track-positions.ts',
      'connection-manager.ts',
      'errors.ts',
      'hosts/sse.ts',
      'hosts/ws.ts',
      'model/catalogue.ts',
      'model/raw-json.ts',
      'model/stream-message.ts',
      'model/wire-form.ts',
      'operations/absence/watch-absence.ts',
      'operations/drain/drain.ts',
      'operations/heartbeat/heartbeat.ts',
      'operations/lifetime/limit-lifetime.ts',
      'operations/metrics/instrument.ts',
      'ports/drain.ts',
      'protocol/command-server.ts',
      'recovery/position-ids.ts',
      'recovery/recovery.ts',
      'testing/audit/audit.ts',
      'testing/describe-backplane.ts',
      'testing/describe-host.ts',
      'testing/fake-socket.ts',
      'testing/fake-transport.ts',
      'testing/manual-clock.ts',
      'throttle/throttled.ts',
      'transports/bun.ts',
      'transports/sse.ts',
      'transports/uws.ts',
      'transports/ws.ts',
    ])
  })

  it('are taken whole, blank lines and all, and none of what follows them', () => {
    const comment = ['/**', ' * Text.', ' *', ' * @example', ' * one()', ' *', ' * two()', ' *', ' * @example', ' * three()', ' * @throws four', ' */'].join('\n')

    expect(examplesIn(comment)).toEqual(['one()\n\ntwo()\n\n', 'three()\n'])
  })

  it('compile', () => {
    const sources = examples.map(({ code }, i) => [`docstring-${i}.ts`, code] as const)

    expect(typeErrors(new Map(sources), AMBIENT)).toEqual([])
  })

  it('have no exception from running that nobody needs', () => {
    const files = examples.map(({ file }) => file)

    expect(Object.keys(NOT_RUN).filter((file) => !files.includes(file))).toEqual([])
  })

  it.each(examples.filter(({ file }) => NOT_RUN[file] === undefined))('run: $file', ({ file, code }) => {
    const path = join(folder, `${file.replaceAll('/', '-')}.mjs`)
    writeFileSync(path, runnable(code))

    const printed = execFileSync(process.execPath, [path], { encoding: 'utf8' })

    expect(printed).toBe(PRINTED[file] ?? '')
  })
})
