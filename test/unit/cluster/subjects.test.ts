import { describe, expect, it } from 'vitest'
import { subjectsOf } from '../../../src/cluster/subjects.ts'

const NAMES = ['A', 'a', '*', '>', '.', 'a.b', ' ', '\r\n', 'é', '😀', '__proto__', 'x'.repeat(255), 'é'.repeat(255)]

describe('subjectsOf', () => {
  it('makes subjects of safe characters, shorter than NATS takes, whatever the names are', () => {
    for (const name of NAMES) {
      const { control, node, user, channel } = subjectsOf(name)
      for (const subject of [control, node(name), user(name), channel({ streamType: name, symbol: name, userId: name })]) {
        expect(subject).toMatch(/^[\w.-]{1,4000}$/)
      }
    }
  })

  it('makes another subject for each name, and for each kind of name', () => {
    const subjects = NAMES.flatMap((name) => {
      const { control, node, user, channel } = subjectsOf('desk')
      const named = { streamType: name, symbol: undefined, userId: undefined }
      return [control, node(name), user(name), channel(named), channel({ ...named, symbol: name }), channel({ ...named, userId: name })]
    })

    expect(new Set(subjects).size).toBe(subjects.length - NAMES.length + 1)
  })

  it('makes other subjects for another prefix', () => {
    expect(subjectsOf('a').control).not.toBe(subjectsOf('b').control)
  })

  it('tells an absent symbol from any symbol', () => {
    const { channel } = subjectsOf('desk')
    const subjects = [undefined, '-', ' ', 'undefined'].map((symbol) => channel({ streamType: 'NEWS', symbol, userId: undefined }))

    expect(new Set(subjects).size).toBe(4)
  })
})
