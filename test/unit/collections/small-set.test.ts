import { describe, expect, it } from 'vitest'
import { countOf, FewBy, membersOf, type Few } from '../../../src/collections/small-set.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { seededRandom } from '../../support/seeded-random.ts'

interface Member {
  readonly name: string
}

const MEMBERS = new FewBy<string, Member>(({ name }) => name)

function named(...names: readonly (string | number)[]): Member[] {
  return names.map((name) => ({ name: String(name) }))
}

function few(members: readonly Member[]): Few<string, Member> {
  return members.reduce<Few<string, Member>>((all, member) => MEMBERS.including(all, member), undefined)
}

const upTo = (count: number) => named(...Array.from({ length: count }, (_, i) => i))

describe('Few', () => {
  it('are nothing at all when there are none, and the member itself when there is one', () => {
    const [alice, bob] = named('alice', 'bob') as [Member, Member]

    expect(few([])).toBeUndefined()
    expect(few([alice])).toBe(alice)
    expect(MEMBERS.without(alice, alice)).toBeUndefined()
    expect(MEMBERS.without(few([alice, bob]), alice)).toBe(bob)
  })

  it('lie in an array up to sixteen, in a Map from the seventeenth on, and in an array again from the eighth down', () => {
    const members = upTo(17)
    const shapeOf = (value: Few<string, Member>) => (value instanceof Map ? 'Map' : Array.isArray(value) ? 'array' : typeof value)
    let value: Few<string, Member>
    const growing = members.map((member) => shapeOf((value = MEMBERS.including(value, member))))
    const shrinking = members.map((member) => shapeOf((value = MEMBERS.without(value, member))))

    expect(growing).toEqual(['object', ...Array<string>(15).fill('array'), 'Map'])
    expect(shrinking).toEqual([...Array<string>(8).fill('Map'), ...Array<string>(7).fill('array'), 'object', 'undefined'])
  })

  it.each([1, 2, 16, 17, 40])('find each of %i by its key, and nobody by another', (count) => {
    const members = upTo(count)
    const all = few(members)

    expect(members.map(({ name }) => MEMBERS.find(all, name))).toEqual(members)
    expect(MEMBERS.find(all, 'nobody')).toBeUndefined()
    expect(countOf(all)).toBe(count)
  })

  it('find nobody among none', () => {
    expect(MEMBERS.find(undefined, 'nobody')).toBeUndefined()
    expect([countOf(undefined), membersOf(undefined)]).toEqual([0, []])
  })

  it.each([1, 2, 16, 17])('stay as they are when one goes who is none of %i', (count) => {
    const all = few(upTo(count))

    expect(MEMBERS.without(all, { name: 'nobody' })).toEqual(all)
    expect(countOf(MEMBERS.without(all, { name: 'nobody' }))).toBe(count)
  })

  it.each([1, 2, 16, 17])('are iterated over as they were, whoever of %i goes or comes meanwhile', (count) => {
    const members = upTo(count)
    let all = few(members)
    const visited: Member[] = []

    for (const member of membersOf(all)) {
      visited.push(member)
      for (const each of members) all = MEMBERS.without(all, each)
      all = MEMBERS.including(all, { name: `after ${member.name}` })
    }

    expect(visited).toEqual(members)
    expect(membersOf(all)).toHaveLength(count)
  })

  it('share the array of others who are just these, and no other array', () => {
    const [alice, bob, carol, dave] = named('alice', 'bob', 'carol', 'dave') as [Member, Member, Member, Member]
    const others = few([alice, bob, carol])

    expect(MEMBERS.includingAlike(few([alice, bob]), carol, others)).toBe(others)
    expect(membersOf(MEMBERS.includingAlike(few([alice, bob]), dave, others))).toEqual([alice, bob, dave])
    expect(membersOf(MEMBERS.includingAlike(few([alice, dave]), carol, others))).toEqual([alice, dave, carol])
    expect(membersOf(MEMBERS.includingAlike(alice, bob, others))).toEqual([alice, bob])
    expect(MEMBERS.includingAlike(undefined, alice, others)).toBe(alice)
    expect(MEMBERS.includingAlike(undefined, bob, alice)).toBe(bob)
  })

  it('lie in a Map of their own, however alike others are', () => {
    const members = upTo(17)
    const others = few(members)

    const all = MEMBERS.includingAlike(few(members.slice(0, 16)), members[16] as Member, others)

    expect(all).toEqual(others)
    expect(all).not.toBe(others)
  })

  it('take no more room than six need where there are six', async () => {
    const members = upTo(6)
    await collectGarbage()
    const before = process.memoryUsage().heapUsed

    const kept = Array.from({ length: 20_000 }, () => few(members))
    await collectGarbage()

    const bytesEach = (process.memoryUsage().heapUsed - before) / kept.length
    // Sixteen places more would be 128.
    expect(bytesEach).toBeLessThan(150)
  })

  it.each([1, 2, 3])('keep the order in which they came, whoever comes and goes, seed %i', (seed) => {
    const random = seededRandom(seed)
    const expected = new Map<string, Member>()
    let all: Few<string, Member>

    for (let step = 0; step < 2_000; step++) {
      // Grows beyond the limit and shrinks to nothing, by turns.
      const isGrowing = Math.floor(step / 100) % 2 === 0
      const name = String(Math.floor(random() * 30))
      const known = expected.get(name)
      if (known === undefined && random() < (isGrowing ? 0.9 : 0.2)) {
        const member = { name }
        expected.set(name, member)
        all = MEMBERS.including(all, member)
      } else if (known !== undefined && random() < (isGrowing ? 0.2 : 0.9)) {
        expected.delete(name)
        all = MEMBERS.without(all, known)
      }
      expect(membersOf(all)).toEqual([...expected.values()])
      expect(countOf(all)).toBe(expected.size)
    }
  })
})
