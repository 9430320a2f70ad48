import { describe, expect, it } from 'vitest'
import { Presence } from '../../../src/cluster/presence.ts'
import { SubjectSet } from '../../../src/cluster/subject-set.ts'
import { subjectsOf } from '../../../src/cluster/subjects.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** The presence of one node over a table with one entry for each of its subscriptions. */
function presenceOf() {
  const clock = new ManualClock()
  const table = new Set<string>()
  const here = new Set<string>()
  const lookups: string[] = []
  const subjects = { ...subjectsOf('desk'), user: (userId: string) => userId }
  const subjectSet = new SubjectSet(
    {
      subscribe: async (each) => each.forEach((subject) => table.add(subject)),
      unsubscribe: async (each) => each.forEach((subject) => table.delete(subject)),
    },
    () => {},
  )
  const backplane = { subscribers: (subject: string) => (lookups.push(subject), Promise.resolve(table.has(subject) ? 1 : 0)) }
  const presence = new Presence({ backplane, clock, repairTimeoutMs: 500, link: { send: () => true }, node: 'n1', subjects, subjectSet, isOnlineHere: (userId) => here.has(userId), report: () => {} })
  return { clock, table, here, lookups, presence, subjectSet }
}

describe('Presence', () => {
  it('puts the users of this node into the table, and takes them out', async () => {
    const { presence, subjectSet, table } = presenceOf()
    presence.setOnline('ann', true)
    presence.setOnline('bob', true)
    await subjectSet.settled()
    expect([...table]).toEqual(['ann', 'bob'])
    presence.setOnline('ann', false)
    await subjectSet.settled()

    expect([...table]).toEqual(['bob'])
  })

  it('asks nobody about a user who is here', async () => {
    const { here, lookups, presence } = presenceOf()
    here.add('ann')

    expect([await presence.isOnline('ann'), lookups]).toEqual([true, []])
  })

  it('finds a user of another node in the table', async () => {
    const { presence, table } = presenceOf()
    table.add('ann')

    expect([await presence.isOnline('ann'), await presence.isOnline('bob')]).toEqual([true, false])
  })

  it('does not take a user for online who has left this node a moment ago', async () => {
    const { presence, subjectSet } = presenceOf()
    presence.setOnline('ann', true)
    await subjectSet.settled()
    presence.setOnline('ann', false)

    expect(await presence.isOnline('ann')).toBe(false)
  })

  it('finds a user who comes here while the table is brought up to date', async () => {
    const { here, lookups, presence } = presenceOf()
    presence.setOnline('ann', false)
    const answer = presence.isOnline('bob')
    here.add('bob')

    expect([await answer, lookups]).toEqual([true, []])
  })

  it('calls nobody about the departure of a user whom nobody follows any more', () => {
    const { presence } = presenceOf()
    const seen: string[] = []
    presence.followDepartures('ann', () => seen.push('ann'))()

    presence.departed('ann')

    expect(seen).toEqual([])
  })

  it('leaves no timer behind when it has answered', async () => {
    const { clock, presence } = presenceOf()
    await presence.isOnline('ann')

    expect(clock.pendingTimers).toBe(0)
  })
})
