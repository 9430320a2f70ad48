import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import ts from 'typescript'
import { WebSocket } from 'ws'
import { parseStreamMessage } from '../../../dist/index.js'

/** @import { AddressInfo } from 'node:net' */
/** @import { WebSocketServer } from 'ws' */
/** @import { ConnectionManager } from '../../../dist/index.js' */
/** @import { WebSocketHost } from '../../../dist/hosts/ws.js' */

// Beside ws, which it imports, and gone when the tests are over.
const HOST = new URL('./readme-host.generated.mjs', import.meta.url)

/**
 * The README's host for ws, on a port that is free, with an authentication that takes the user's word.
 *
 * @returns {Promise<{ manager: ConnectionManager, server: WebSocketServer, host: WebSocketHost }>}
 */
async function readmeHost() {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /## A server on ws\n[^]*?```ts\n([^]*?)```/.exec(readme) ?? []
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  })
  const userOf = "const userOf = async (request) => new URL(request.url, 'ws://localhost').searchParams.get('user') ?? undefined"
  const host = outputText
    .replace("'stream-connection-manager'", "'../../../dist/index.js'")
    .replace(/'stream-connection-manager\/(.+?)'/g, "'../../../dist/$1.js'")
    .replace('port: 8080', 'port: 0')
  // The client's sample is the next block.
  writeFileSync(HOST, `${userOf}\n${host}\nexport { manager, server, host }\n`)
  return import(HOST.href)
}

/** A client, and all that it was told. */
class Client {
  /** @type {Record<string, any>[]} */
  frames = []

  /** @param {string} url */
  constructor(url) {
    this.socket = new WebSocket(url)
    this.socket.on('message', (text) => this.frames.push(JSON.parse(String(text))))
    this.closed = once(this.socket, 'close')
  }

  /**
   * Resolves to the first frame that is meant.
   *
   * @param {(frame: Record<string, any>) => boolean} isMeant
   */
  async frame(isMeant) {
    while (!this.frames.some(isMeant)) await once(this.socket, 'message')
    return this.frames.find(isMeant)
  }
}

test('the host for ws in the README', async (t) => {
  after(() => rmSync(HOST, { force: true }))
  const { manager, server, host } = await readmeHost()
  if (!server.address()) await once(server, 'listening')
  const url = `ws://127.0.0.1:${/** @type {AddressInfo} */ (server.address()).port}`

  await t.test('turns away who is not authenticated', async () => {
    const { closed, frames } = new Client(url)
    const [code] = await closed

    assert.equal(code, 4401)
    assert.deepEqual(frames, [{ type: 'refused', code: 'ERR_UNAUTHENTICATED' }])
  })

  await t.test('turns away who has as many connections as a user may have, and lives on', async () => {
    const clients = Array.from({ length: 101 }, () => new Client(`${url}?user=greedy`))
    const [code] = await Promise.race(clients.map(({ closed }) => closed))

    assert.equal(code, 4429)
    assert.equal(manager.getUserConnections('greedy').length, 100)
    assert.equal(await manager.removeUser('greedy'), 100)
  })

  const client = new Client(`${url}?user=alice`)
  await client.frame(({ type }) => type === 'welcome')

  await t.test('refuses a bad command with its code, and lives on', async () => {
    for (const [command, code] of [
      ['not JSON', 'ERR_BAD_COMMAND'],
      ['null', 'ERR_BAD_COMMAND'],
      ['{"command":"subscribe","stream_type":"GOSSIP"}', 'ERR_UNKNOWN_STREAM'],
      ['{"command":"subscribe","stream_type":"PRICE"}', 'ERR_SYMBOL_REQUIRED'],
    ]) {
      client.frames.length = 0
      client.socket.send(command)

      assert.deepEqual(await client.frame(() => true), { type: 'refused', code })
    }
  })

  await t.test('subscribes a client as the user whom it was opened for, even if it claims to be another', async () => {
    client.socket.send('{"command":"subscribe","id":1,"stream_type":"ORDER_UPDATES","userId":"bob","user_id":"bob"}')
    await client.frame(({ id }) => id === 1)

    manager.publish({ streamType: 'ORDER_UPDATES', userId: 'bob', data: 'of Bob' })
    manager.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', data: 'of Alice' })

    const message = await client.frame(({ data }) => data !== undefined)
    assert.equal(parseStreamMessage(JSON.stringify(message)).data, 'of Alice')
  })

  await t.test('removes the connection when the client closes', async () => {
    const removed = new Promise((resolve) => manager.on('connectionRemoved', ({ reason }) => resolve(reason)))
    client.socket.close()

    assert.equal(await removed, 'peer-closed')
    assert.equal(manager.connectionCount, 0)
  })

  await t.test('asks a client to leave at the end', async () => {
    const staying = new Client(`${url}?user=alice`)
    await staying.frame(({ type }) => type === 'welcome')

    const closed = host.close({ withinMs: 0 })
    await staying.frame(({ type }) => type === 'goodbye')
    staying.socket.close()

    assert.equal(await closed, 0)
  })
})
