import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Server } from '../client/server.js'
import { run } from './command.ts'

/** Registers a test of the client in a runtime. `args` come before the program. */
export function testClient(runtime: string, args: readonly string[], kind: 'WebSocket' | 'EventSource'): void {
  it(`runs a client over its ${kind}: it resumes, has a request answered, and holds no process`, { timeout: 60_000 }, async (test) => {
    const server = await Server.start()
    test.after(() => server.kill())

    const { exitCode, output } = await run(runtime, [...args, 'inside/client.ts', `127.0.0.1:${server.port}`, kind])

    assert.equal(exitCode, 0, output)
    assert.deepEqual(JSON.parse(output), { heard: [1, 2, 3, 4], cut: 'ERR_DISCONNECTED', echo: { a: 1 }, state: 'closed' })
  })
}
