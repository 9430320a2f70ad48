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

// Beside ws, which it imports, and gone when the tests are over.
const HOST = new URL('./readme-host.generated.mjs', import.meta.url)

/**
 * The README's host for ws, on a port that is free, with an authentication that takes the user's word.
 *
 * @returns {Promise<{ manager: ConnectionManager<import('ws').WebSocket>, server: WebSocketServer }>}
 */
async function readmeHost() {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /## A server on ws\n[^]*?```ts\n([^]*?)```/.exec(readme) ?? []
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  })
  const authenticate = "const authenticate = (request) => new URL(request.url, 'ws://localhost').searchParams.get('user') ?? undefined"
  const host = outputText
    .replace("'stream-connection-manager'", "'../../../dist/index.js'")
    .replace(/'stream-connection-manager\/(.+?)'/g, "'../../../dist/$1.js'")
    .replace('port: 8080', 'port: 0')
  writeFileSync(HOST, `${host}\n${authenticate}\nexport { manager, server }\n`)
  return import(HOST.href)
}

/** @param {WebSocket} client */
async function nextText(client) {
  const [text] = await once(client, 'message')
  return String(text)
}

test('the host for ws in the README', async (t) => {
  after(() => rmSync(HOST, { force: true }))
  const { manager, server } = await readmeHost()
  if (!server.address()) await once(server, 'listening')
  const url = `ws://127.0.0.1:${/** @type {AddressInfo} */ (server.address()).port}`

  await t.test('turns away who is not authenticated', async () => {
    const [code] = await once(new WebSocket(url), 'close')

    assert.equal(code, 1008)
  })

  await t.test('turns away who has as many connections as a user may have, and lives on', async () => {
    const clients = Array.from({ length: 101 }, () => new WebSocket(`${url}?user=greedy`))
    const [code] = await Promise.race(clients.map((client) => once(client, 'close')))

    assert.equal(code, 1013)
    assert.equal(manager.getUserConnections('greedy').length, 100)
    assert.equal(await manager.removeUser('greedy'), 100)
  })

  const client = new WebSocket(`${url}?user=alice`)
  await once(client, 'open')

  await t.test('refuses a bad command with its code, and lives on', async () => {
    for (const [command, code] of [
      ['not JSON', 'ERR_BAD_COMMAND'],
      ['null', 'ERR_BAD_COMMAND'],
      ['{"command":"subscribe","streamType":"GOSSIP"}', 'ERR_UNKNOWN_STREAM'],
      ['{"command":"subscribe","streamType":"PRICE"}', 'ERR_SYMBOL_REQUIRED'],
    ]) {
      client.send(command)

      assert.deepEqual(JSON.parse(await nextText(client)), { type: 'refused', code })
    }
  })

  await t.test('subscribes a client as the user whom it was opened for, and refuses one that claims to be another', async () => {
    const subscribed = new Promise((resolve) => manager.on('subscriptionAdded', ({ subscription }) => resolve(subscription.key)))
    client.send('{"command":"subscribe","streamType":"ORDER_UPDATES","userId":"bob"}')
    assert.deepEqual(JSON.parse(await nextText(client)), { type: 'refused', code: 'ERR_INVALID_ARGUMENT' })
    client.send('{"command":"subscribe","streamType":"ORDER_UPDATES"}')
    assert.equal(await subscribed, 'alice:ORDER_UPDATES')

    manager.publish({ streamType: 'ORDER_UPDATES', userId: 'bob', data: 'of Bob' })
    manager.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', data: 'of Alice' })

    assert.equal(parseStreamMessage(await nextText(client)).data, 'of Alice')
  })

  await t.test('removes the connection when the client closes', async () => {
    const removed = new Promise((resolve) => manager.on('connectionRemoved', ({ reason }) => resolve(reason)))
    client.close()

    assert.equal(await removed, 'peer-closed')
    assert.equal(manager.connectionCount, 0)
  })

  server.close()
})
