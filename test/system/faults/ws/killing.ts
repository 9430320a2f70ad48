import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import { ABNORMAL } from './peer.ts'
import type { RawPeer } from './raw-peer.ts'

const countsOf = (peers: readonly RawPeer[]): number[] => peers.map(({ client }) => client.received.length)
const codesOf = (peers: readonly RawPeer[]): Promise<number[]> => Promise.all(peers.map(({ closed }) => closed))

export const killing = fault('the server is killed', {
  async subscribing(trial) {
    const host = await trial.serverProcess({ ticks: 3, perTick: 2, dies: { when: 'subscribed', client: 'victim', count: 1 } })
    const others = await host.join('first', 'second')
    host.go()
    await host.received(others, 6)
    trial.inject('SIGKILL')

    const victim = host.approach('victim')
    await host.died()

    assert.deepEqual(countsOf([...others, victim]), [6, 6, 0])
    assert.deepEqual(await codesOf([...others, victim]), [ABNORMAL, ABNORMAL, ABNORMAL])
  },

  async 'at its turn'(trial) {
    const [at, ticks] = [trial.between(5, 40), 50]
    const host = await trial.serverProcess({ isPlain: true, ticks, perTick: 1, dies: { when: 'written to', client: 'victim', count: at } })
    const peers = await host.join('before-1', 'before-2', 'victim', 'after-1', 'after-2')
    trial.inject('SIGKILL')

    host.go()
    await host.died()

    assert.deepEqual(countsOf(peers), [at, at, at - 1, at - 1, at - 1], 'who came before the victim has the message, and nobody else')
    assert.deepEqual(await codesOf(peers), peers.map(() => ABNORMAL))
  },

  async 'during the flush'(trial) {
    const [tick, perTick] = [trial.between(2, 20), 3]
    const host = await trial.serverProcess({ ticks: 30, perTick, dies: { when: 'written to', client: 'victim', count: tick } })
    const peers = await host.join('before-1', 'before-2', 'victim', 'after-1')
    trial.inject('SIGKILL')

    host.go()
    await host.died()

    const before = perTick * (tick - 1)
    assert.deepEqual(countsOf(peers), [before + perTick, before + perTick, before, before], 'a batch has come whole, or not at all')
    assert.deepEqual(await codesOf(peers), peers.map(() => ABNORMAL))
  },

  async behind(trial) {
    const host = await trial.serverProcess({ ticks: 10_000, perTick: 4, padding: 50_000, dies: { when: 'behind' } })
    const [other, victim] = await host.join('other', 'victim') as [RawPeer, RawPeer]
    victim.pause()
    trial.inject('SIGKILL')

    host.go()
    await host.died()

    assert.ok(victim.client.received.length > 0)
    assert.ok(other.client.received.length > 0)
    assert.deepEqual(await codesOf([other, victim]), [ABNORMAL, ABNORMAL])
  },

  async 'during cleanup'(trial) {
    const host = await trial.serverProcess({ ticks: 1, perTick: 5, dies: { when: 'closed', client: 'victim', count: 1 } })
    const peers = await host.join('before', 'victim', 'after')
    trial.inject('SIGKILL')

    host.go()
    await host.died()

    assert.deepEqual(countsOf(peers), [5, 5, 5], 'what was published before is handed on before anybody is closed')
    assert.deepEqual(await codesOf(peers), [1001, ABNORMAL, ABNORMAL])
  },
})
