import { describe, expect, it } from 'vitest'
import { BackplaneTrial } from '../../../../src/testing/backplane-suite/trial.ts'
import { Patience } from '../../../../src/testing/suite/patience.ts'
import { harnessOfDriver } from '../breakable-broker.ts'
import { FastClock } from '../fast-clock.ts'

function trial(): BackplaneTrial {
  return new BackplaneTrial(harnessOfDriver(), new Patience({ clock: new FastClock() }))
}

describe('a trial of a backplane', () => {
  it('refuses a node before it has started the broker', async () => {
    await expect(trial().join()).rejects.toThrow('The broker was not started')
  })

  it('names the first three nodes, and takes more', async () => {
    const started = trial()

    const nodes = [...(await started.start()), await started.join(), await started.join()]
    await started.end()

    expect(nodes.map(({ name }) => name)).toEqual(['node A', 'node B', 'node C', 'a node'])
  })
})
