import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { whileOpen } from './contest.js'
import { VisitedSite } from './visited-site.js'

const HOSTS = {
  'this library with its protocol': { host: 'protocol' },
  'this library with commands by hand': { host: 'by-hand' },
  'socket.io with rooms': { host: 'socket-io-rooms' },
  'crossws with topics': { host: 'crossws-topics' },
}
const RECOVERING = {
  'this library with a recovery': { host: 'protocol', options: { recovers: true } },
  'socket.io with connection state recovery': { host: 'socket-io-rooms', options: { recovers: true } },
}

function visited(description, streams, act, clients = 3) {
  return whileOpen([() => VisitedSite.open({ name: 'a server', ...description }, { clients, streams })], ([site]) => act(site))
}

for (const [name, description] of Object.entries(HOSTS)) {
  describe(`a server of ${name}`, () => {
    it('lets clients come, subscribe, get one message each, and come again', async () => {
      // Each visit fails unless every client has exactly what was published.
      await visited(description, 10, async (site) => {
        assert.ok((await site.reconnect()) > 0)
        assert.ok((await site.reconnect()) > 0)
      })
    })
  })
}

for (const [name, description] of Object.entries(RECOVERING)) {
  describe(`a server of ${name}`, () => {
    it('brings each client what it missed, however often it comes', async () => {
      await visited(description, 1, async (site) => {
        await site.meet()
        for (const missed of [100, 0, 7]) assert.ok((await site.resume(missed)) > 0)
      })
    })
  })
}

describe('a visit', () => {
  it('fails where a server says that something may be missing', async () => {
    await visited(RECOVERING['this library with a recovery'], 1, async (site) => {
      await site.meet()
      // More than a history keeps.
      await assert.rejects(site.resume(300), /The server answers .*"recovered":false/)
    })
  })

  it('fails where a client gets more than it should', async () => {
    await visited(RECOVERING['this library with a recovery'], 1, async (site) => {
      await site.meet()
      // The last client is a group of its own, and has missed the message for those before it.
      await assert.rejects(site.reconnect(), /Each client is to have 0 messages: .* with 1 to 1 messages/)
    }, 101)
  })
})
