import { describe, expect, it } from 'vitest'
import { LinkedList, type Links } from '../../../src/collections/linked-list.ts'
import { seededRandom } from '../../support/seeded-random.ts'

interface Named {
  readonly name: number
  earlier: Named | undefined
  later: Named | undefined
}

const LINKS: Links<Named> = {
  earlierOf: ({ earlier }) => earlier,
  laterOf: ({ later }) => later,
  setEarlier: (member, earlier) => void (member.earlier = earlier),
  setLater: (member, later) => void (member.later = later),
}

function named(name: number): Named {
  return { name, earlier: undefined, later: undefined }
}

function linked(count: number) {
  const list = new LinkedList(LINKS)
  const members = Array.from({ length: count }, (_, name) => named(name))
  for (const member of members) list.add(member)
  return { list, members, names: () => Array.from(list, ({ name }) => name) }
}

describe('LinkedList', () => {
  it('is empty before a member is added, and after all are removed', () => {
    const { list, members } = linked(2)
    const wasEmpty = [new LinkedList(LINKS).isEmpty, list.isEmpty]

    for (const member of members) list.remove(member)

    expect([...wasEmpty, list.isEmpty]).toEqual([true, false, true])
    expect([...list]).toEqual([])
  })

  it.each([
    ['the first', 0, [1, 2]],
    ['one in the middle', 1, [0, 2]],
    ['the last', 2, [0, 1]],
  ])('closes the gap when %s is removed, and appends it when it is added again', (_which, name, left) => {
    const { list, members, names } = linked(3)

    list.remove(members[name] as Named)
    expect(names()).toEqual(left)
    list.add(members[name] as Named)

    expect(names()).toEqual([...left, name])
  })

  it('leaves a removed member without neighbours', () => {
    const { list, members } = linked(3)

    list.remove(members[1] as Named)

    expect(members[1]).toStrictEqual(named(1))
  })

  it('links the neighbours of a removed member to each other', () => {
    const { list, members: [first, second, third] } = linked(3)

    list.remove(second as Named)

    expect([first?.earlier, first?.later, third?.earlier, third?.later]).toEqual([undefined, third, first, undefined])
  })

  it.each([1, 2, 3])('keeps the order of insertion through random additions and removals, seed %i', (seed) => {
    const random = seededRandom(seed)
    const { list, members, names } = linked(20)
    const expected = new Set(members)

    for (let step = 0; step < 1_000; step++) {
      const member = members[Math.floor(random() * members.length)] as Named
      if (expected.delete(member)) {
        list.remove(member)
      } else {
        list.add(member)
        expected.add(member)
      }
      expect(names()).toEqual(Array.from(expected, ({ name }) => name))
    }
  })
})
