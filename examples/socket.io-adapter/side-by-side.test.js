import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import { ManagerAdapter } from './adapter.ts'
import { Dice } from './testing/dice.js'
import { Side } from './testing/side.js'
import { nextStep } from './testing/steps.js'

const NAMES = ['ann', 'ben', 'cas', 'dan', 'eve', 'fay']
const TRANSPORTS = ['websocket', 'websocket', 'polling']
const STEPS = 120
const SEEDS = process.env.SEED === undefined ? Array.from({ length: 6 }, () => randomInt(2 ** 31)) : [Number(process.env.SEED)]

// Odd seeds play in a namespace whose name is in each packet.
const namespaceOf = (/** @type {number} */ seed) => seed % 2 === 0 ? '/' : '/other'

describe('ManagerAdapter and the adapter of socket.io', { timeout: 120_000 }, () => {
  for (const seed of SEEDS) {
    it(`deliver the same, seed ${seed}`, async () => {
      const ours = new Side({ adapter: ManagerAdapter }, namespaceOf(seed))
      const theirs = new Side({}, namespaceOf(seed))
      const titles = []
      try {
        await Promise.all([ours, theirs].map((side) => side.start(NAMES, TRANSPORTS)))
        const dice = new Dice(seed)
        for (let number = 1; number <= STEPS; number++) {
          const { title, act } = nextStep(dice, NAMES, theirs.connected(), number)
          titles.push(title)
          assert.deepEqual(await act(ours), await act(theirs), title)
          assert.deepEqual(await ours.membership(), await theirs.membership(), title)
        }
        assert.deepEqual(await ours.seen(), await theirs.seen())
      } catch (error) {
        console.error(`${titles.join('\n')}\nTo repeat this: SEED=${seed} npm --prefix examples/socket.io-adapter test`)
        throw error
      } finally {
        await Promise.all([ours.stop(), theirs.stop()])
      }
    })
  }
})
