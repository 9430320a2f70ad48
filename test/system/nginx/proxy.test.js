import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { Nginx } from './nginx.ts'
import { openers, openEvents, openWebSocket, statusWithCommands } from './peers.js'
import { buildPrograms } from './programs.ts'
import { Server } from './server.ts'
import { until } from './until.ts'

/** @import { Programs } from './programs.ts' */
/** @import { Peer } from './peers.js' */

const MESSAGES = 20
const BUFFERED = 'proxy_buffering on;'
const BUFFERED_ANYWAY = 'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;'

const folder = mkdtempSync(join(tmpdir(), 'proxy-'))
/** @type {Programs} */
let programs
/** @type {(() => Promise<void>)[]} */
const ends = []

before(async () => {
  programs = await buildPrograms(folder)
})

afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
})

after(() => rmSync(folder, { recursive: true }))

/**
 * Starts a server, and nginx in front of it.
 *
 * @param {{ heartbeatMs?: number, readTimeoutSeconds?: number, buffering?: string }} [options]
 */
async function serve({ heartbeatMs = 30_000, ...settings } = {}) {
  const server = await Server.start(programs.node, undefined, { heartbeatMs })
  ends.push(() => server.kill())
  const nginx = await Nginx.start({ serverPort: server.port, ...settings })
  ends.push(() => nginx.stop())
  return { server, nginx }
}

/**
 * Publishes messages, each after these peers have the one before it.
 *
 * @param {Server} server
 * @param {Peer[]} peers
 */
async function publishOneByOne(server, peers) {
  const ids = Array.from({ length: MESSAGES }, (_, id) => id)
  for (const id of ids) {
    server.publish({ streamType: 'TRADES', symbol: 'A', data: { id } })
    await until(() => peers.every((peer) => peer.ids.includes(id)))
  }
  for (const peer of peers) assert.deepEqual(peer.ids, ids)
}

/** @param {Nginx} nginx */
function timeoutsIn({ log }) {
  return log.split('upstream timed out').length - 1
}

/** @param {Peer[]} peers */
function areSubscribed(...peers) {
  return until(() => peers.every(({ isSubscribed }) => isSubscribed))
}

describe('nginx with the config of the guide', { timeout: 120_000 }, () => {
  for (const [name, open] of Object.entries(openers)) {
    it(`passes each message to ${name} at once`, async () => {
      const { server, nginx } = await serve()
      const peer = open(nginx)
      await areSubscribed(peer)
      await publishOneByOne(server, [peer])
    })
  }

  it('passes events at once even if it buffers, because serveEvents forbids it', async () => {
    const { server, nginx } = await serve({ buffering: BUFFERED })
    const peer = openEvents(nginx)
    await areSubscribed(peer)
    await publishOneByOne(server, [peer])
  })

  it('holds back events if it buffers, and ignores what serveEvents says', async () => {
    const { server, nginx } = await serve({ buffering: BUFFERED_ANYWAY })
    const [stream, socket] = [openEvents(nginx), openWebSocket(nginx)]
    await areSubscribed(socket)
    await publishOneByOne(server, [socket])
    assert.deepEqual([stream.isSubscribed, stream.ids], [false, []])
  })

  it('cuts a connection on which nothing is sent, and keeps one with heartbeats', async () => {
    const readTimeoutSeconds = 2
    const [silent, beating] = await Promise.all([serve({ heartbeatMs: 0, readTimeoutSeconds }), serve({ heartbeatMs: 250, readTimeoutSeconds })])
    const cut = Object.values(openers).map((open) => open(silent.nginx))
    const kept = Object.values(openers).map((open) => open(beating.nginx))
    await areSubscribed(...cut, ...kept)

    await until(() => cut.every(({ hasEnded }) => hasEnded))
    // More heartbeats than fit into the time that nginx waits.
    await until(() => kept.every(({ heartbeats }) => heartbeats > 16))
    await publishOneByOne(beating.server, kept)
    assert.deepEqual(kept.map(({ hasEnded }) => hasEnded), [false, false, false])
    assert.deepEqual([timeoutsIn(silent.nginx), timeoutsIn(beating.nginx)], [3, 0])
  })

  it('refuses an event stream whose commands make the URL longer than 8 kB', async () => {
    const { nginx } = await serve()
    assert.deepEqual([await statusWithCommands(nginx, 50), await statusWithCommands(nginx, 100)], [200, 414])
  })
})
