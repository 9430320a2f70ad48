import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createAudit } from '../../../src/testing/index.ts'
import { ANSWERS, Client } from './client.ts'
import { Feed, userOf } from './feed.ts'
import { ServerProcess } from './supervisor.ts'

const CLIENTS = 50

const folder = mkdtempSync(join(tmpdir(), 'restart-'))
const history = join(folder, 'history.json')
const audit = createAudit()
const feed = new Feed((entry) => audit.published(entry))
const clients = Array.from({ length: CLIENTS }, (_, number) => new Client(`client ${number}`, userOf(number), audit))
/** @type {ServerProcess[]} */
const servers = []

after(() => {
  feed.stop()
  for (const client of clients) client.destroy()
  for (const server of servers) server.kill()
  rmSync(folder, { recursive: true })
})

/** @param {import('./messages.ts').Ending} ending */
async function start(ending) {
  const server = await ServerProcess.start(history, ending, feed)
  servers.push(server)
  return server
}

describe('a server that exports its history and is started again with it', { timeout: 60_000 }, () => {
  it('loses nothing for 50 clients and sends nothing twice, whether it closes their sockets or is gone at once', async () => {
    let server = await start('clean')
    await Promise.all(clients.map((client) => client.connect(server.port)))
    feed.start()
    await server.publishes(150)

    for (const ending of /** @type {const} */ (['abrupt', 'clean'])) {
      const [code] = await Promise.all([server.terminate(), ...clients.map((client) => client.over())])
      assert.equal(code, 0)
      server = await start(ending)
      // Publishing goes on before the first client is back, and while they come back.
      await server.publishes(50)
      await Promise.all(clients.map((client) => client.connect(server.port)))
      await server.publishes(150)
    }
    feed.stop()
    while (audit.waiting > 0) await turn()

    const report = audit.report()
    assert.ok(report.isClean, String(report))
    assert.equal(report.counts.told, 0)
    assert.ok(report.counts.published >= 550 && report.counts.received > 550 * 10, String(report))
    for (const { recovered, found } of clients) {
      assert.deepEqual(found, { missing: 0, unknown: 0, again: 0 })
      assert.deepEqual(recovered, [...Array(ANSWERS).fill(null), ...Array(2 * ANSWERS).fill(true)])
    }
  })
})
