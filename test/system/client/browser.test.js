// `createClient` in a real Chromium, against a real server.
import assert from 'node:assert/strict'
import { after, afterEach, describe, it } from 'node:test'
import { closeBrowser } from '../../support/chromium.js'
import { Desk } from './desk.js'
import { Server } from './server.js'
import { QUICK } from './tab.js'
import { until } from './until.js'

const KINDS = ['WebSocket', 'EventSource, commands in the URL', 'EventSource, commands by POST']

/** Nobody waits for so long: only an event makes such a client connect. Milliseconds. */
const NEVER_MS = 3_600_000

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }

let desk

afterEach(() => desk.close())
after(closeBrowser)

/** All numbers from 1 to this one. */
const upTo = (last) => Array.from({ length: last }, (_, i) => i + 1)

for (const kind of KINDS) {
  describe(`a page over ${kind}`, options, () => {
    it('hears each message once and in order, although its connection is cut again and again', async () => {
      desk = await Desk.open()
      const tab = await desk.openTab({ kind })

      for (let cuts = 1; cuts <= 3; cuts++) {
        desk.publish(10)
        desk.network.cut()
        desk.publish(10)
        await until(async () => (await tab.get('page.recovered')).length > cuts)
        desk.publish(10)
      }

      await desk.isEven()
      assert.deepEqual(await tab.heard(), upTo(90))
      assert.deepEqual(await tab.get('page.recovered'), [null, true, true, true])
    })

    it('notices that its connection is half-open, and hears on a new one what it missed', async () => {
      desk = await Desk.open()
      const tab = await desk.openTab({ kind, ...QUICK })
      desk.publish(1)
      await desk.isEven()

      desk.network.halfOpen()
      desk.publish(10)

      await desk.isEven()
      assert.equal((await tab.get('page.states'))[2], 'waiting: silent')
      assert.deepEqual(await tab.heard(), upTo(11))
    })

    it('has no connection while it is in the back-forward cache, and resumes when the user comes back', async () => {
      desk = await Desk.open()
      const tab = await desk.openTab({ kind })
      desk.publish(10)
      await desk.isEven()

      await tab.go('about:blank')
      await until(() => desk.server.manager.connectionCount === 0)
      desk.publish(10)
      await tab.goBack()
      await tab.isLive()

      await desk.isEven()
      assert.deepEqual(await tab.get('page.lifecycle'), ['pageshow', 'pagehide, kept', 'freeze', 'resume', 'pageshow, kept'])
      assert.deepEqual(await tab.get('page.states'), ['connecting', 'connected', 'waiting: hidden', 'connecting', 'connected'])
      assert.deepEqual(await tab.heard(), upTo(20))
    })
  })
}

describe('a page whose server goes', options, () => {
  it('gives up attempts while the server is frozen, and goes on with it afterwards', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab(QUICK)

    desk.network.silence()
    desk.publish(10)
    await tab.was('waiting: silent')
    await tab.was('waiting: timeout')
    desk.network.resume()

    await desk.isEven()
    assert.deepEqual(await tab.heard(), upTo(10))
  })

  it('misses nothing over a restart if the next server has the history', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab()
    desk.publish(10)
    desk.network.cut()
    desk.publish(10)
    const { history: restore } = desk.server
    await desk.server.kill()

    desk.server = await Server.start({ restore })
    desk.publish(10)

    await desk.isEven()
    assert.deepEqual(await tab.heard(), upTo(30))
  })

  it('moves when the server says goodbye, and misses nothing', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab()
    desk.publish(10)

    await desk.server.close()
    desk.server = await Server.start({ restore: desk.server.history })
    desk.publish(10)

    await desk.isEven()
    assert.equal((await tab.get('page.states'))[2], 'waiting: draining')
    assert.deepEqual(await tab.heard(), upTo(20))
  })

  for (const [which, recovers] of [['without the history', true], ['without a recovery', false]]) {
    it(`is told of a gap if the next server comes ${which}`, async () => {
      desk = await Desk.open({ recovers })
      const tab = await desk.openTab()
      desk.publish(2)
      await desk.isEven()
      await desk.server.kill()

      desk.server = await Server.start({ recovers })
      await until(async () => (await tab.heard()).includes('gap'))
      await desk.isEven()
      desk.publish(2)

      await desk.isEven()
      assert.deepEqual(await tab.heard(), [1, 2, 'gap', 3, 4])
      assert.deepEqual(await tab.get('page.recovered'), [null, false])
    })
  }
})

describe('a page that goes offline', options, () => {
  it('asks at once whether the server is there, and connects as soon as it is online again', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab({ pingMs: NEVER_MS, pongMs: 500, minMs: NEVER_MS, maxMs: NEVER_MS })
    await tab.get('page.chance = 1')

    desk.network.silence()
    await tab.setOffline(true)
    desk.publish(10)
    await until(async () => (await tab.get('page.states')).length === 3)
    assert.equal((await tab.get('page.states'))[2], 'waiting: silent')
    await tab.get('page.chance = 0')
    desk.network.resume()
    await tab.setOffline(false)

    await desk.isEven()
    assert.deepEqual((await tab.get('page.states')).slice(3), ['connecting', 'connected'])
    assert.deepEqual(await tab.heard(), upTo(10))
  })
})

describe('a page in the background', options, () => {
  it('asks whether the server is there as soon as the user comes back to it', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab({ pingMs: NEVER_MS, pongMs: 500 })
    await desk.openTab({ name: 'other' })
    await tab.isHidden()
    desk.network.halfOpen()
    desk.publish(10)

    await tab.show()

    await tab.was('waiting: silent')
    await until(async () => (await tab.heard()).length === 10)
    // The other tab has not noticed anything.
    desk.network.cut()
    await desk.isEven()
  })
})

describe('a page that is frozen', options, () => {
  it('resumes, although Chromium cuts its WebSocket', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab()

    await tab.whileFrozen(() => desk.publish(10))
    desk.publish(10)

    await desk.isEven()
    assert.deepEqual(await tab.get('page.recovered'), [null, true])
    assert.deepEqual(await tab.heard(), upTo(20))
  })

  it('does not take its own pause for a silence of the server', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab({ kind: 'EventSource, commands in the URL', pongMs: 4_000 })

    // Its timers go on before anything else does, and come late by more than a second.
    await tab.whileFrozen(() => {
      desk.network.silence()
      desk.publish(10)
    }, 6_000)
    desk.network.resume()

    await desk.isEven()
    assert.deepEqual(await tab.get('page.states'), ['connecting', 'connected'])
    assert.deepEqual(await tab.heard(), upTo(10))
  })

  it('resumes if its event stream was cut meanwhile', async () => {
    desk = await Desk.open()
    const tab = await desk.openTab({ kind: 'EventSource, commands by POST' })

    await tab.whileFrozen(() => {
      desk.network.cut()
      desk.publish(10)
    })

    await desk.isEven()
    assert.deepEqual(await tab.get('page.recovered'), [null, true])
    assert.deepEqual(await tab.heard(), upTo(10))
  })
})

describe('two tabs of one user', options, () => {
  it('each hear each message once, also if both are cut, and one goes on when the other is closed', async () => {
    desk = await Desk.open()
    const one = await desk.openTab({ name: 'one' })
    const other = await desk.openTab({ name: 'other' })

    desk.publish(10)
    desk.network.cut()
    desk.publish(10)
    await desk.isEven()
    for (const tab of [one, other]) assert.deepEqual(await tab.heard(), upTo(20))
    assert.equal(desk.server.manager.connectionCount, 2)

    await desk.closeTab('other')
    await until(() => desk.server.manager.connectionCount === 1)
    desk.publish(10)

    await desk.isEven()
    assert.deepEqual(await one.heard(), upTo(30))
  })
})
