// A process whose client was closed ends by itself.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { serveWebSockets } from '../../../src/hosts/ws.ts'
import { ConnectionManager } from '../../../src/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'

const PROGRAM = fileURLToPath(new URL('closing-client.ts', import.meta.url))

/** State of the client → which server it has. */
const STATES = /** @type {const} */ ({ connecting: 'mute', connected: 'sound', asking: 'sound', lingering: 'sound', waiting: 'absent' })

const mute = createServer()
const sound = new WebSocketServer({ host: '127.0.0.1', port: 0 })
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** @param {{ address(): unknown }} server */
function urlOf(server) {
  return `ws://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`
}

before(async () => {
  const manager = new ConnectionManager()
  const commands = createCommandServer(manager, { commands: { never: () => new Promise(() => {}) } })
  serveWebSockets(sound, { manager, commands, authenticate: () => ({ userId: 'alice' }) })
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  if (sound.address() === null) await once(sound, 'listening')
})

after(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const socket of sound.clients) socket.terminate()
  sound.close()
  mute.close()
})

describe('a process whose client was closed', () => {
  for (const [state, server] of Object.entries(STATES)) {
    it(`has no timer left, and ends by itself: ${state}`, { timeout: 30_000 }, async () => {
      // Nothing listens on port 1.
      const url = { mute: () => urlOf(mute), sound: () => urlOf(sound), absent: () => 'ws://127.0.0.1:1/' }[server]()
      const child = fork(PROGRAM, [url, state], { execArgv: ['--import', 'tsx'] })
      children.add(child)
      const exited = once(child, 'exit')

      const [message] = await once(child, 'message')
      const [code] = await exited

      assert.equal(message.state, 'closed')
      assert.ok(message.before > 0, 'a timer was there')
      assert.equal(message.after, 0)
      assert.equal(message.request, state === 'asking' ? 'ERR_DISCONNECTED' : undefined)
      assert.equal(code, 0)
    })
  }
})
