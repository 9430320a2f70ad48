import { describe, expect, it } from 'vitest'
import { Changes } from '../../../src/events/changes.ts'

function changesWith(listen: (userId: string) => void = () => {}) {
  const changes = new Changes()
  const { events } = changes
  events.on('userOnline', ({ userId }: { readonly userId: string }) => listen(userId))
  return { events, changes }
}

describe('Changes', () => {
  it('calls the listeners after the state has changed, and before the call returns', () => {
    const steps: string[] = []
    const { changes, events } = changesWith((userId) => steps.push(`reported of ${userId}`))

    changes.make(() => {
      events.post('userOnline', { userId: 'alice' })
      steps.push('changed')
    })

    expect(steps).toEqual(['changed', 'reported of alice'])
  })

  it('calls the listeners for the events that were posted before a change throws', () => {
    const reported: string[] = []
    const { changes, events } = changesWith((userId) => reported.push(userId))

    const change = (): void =>
      changes.make(() => {
        events.post('userOnline', { userId: 'alice' })
        throw new Error('refused')
      })

    expect(change).toThrow('refused')
    expect(reported).toEqual(['alice'])
  })

  it('runs postponed work after the outermost fan-out, then makes the postponed changes in order', () => {
    const steps: string[] = []
    const { changes } = changesWith()

    changes.send(() => {
      changes.postpone(() => steps.push('first postponed'))
      changes.postpone(() => steps.push('second postponed'))
      changes.send(() => changes.afterwards(() => steps.push(`afterwards, sending: ${changes.isSending}`)))
      steps.push('sent')
    })

    expect(steps).toEqual(['sent', 'afterwards, sending: true', 'first postponed', 'second postponed'])
    expect(changes.isSending).toBe(false)
  })

  it('delivers events posted during a fan-out after it, on request', () => {
    const reported: string[] = []
    const { changes, events } = changesWith((userId) => reported.push(`${userId}, sending: ${changes.isSending}`))

    const outer = changes.beginSending()
    events.post('userOnline', { userId: 'alice' })
    changes.tellAfterwards()
    changes.endSending(outer)

    expect(reported).toEqual(['alice, sending: true'])
  })

  it('makes what was postponed while a message was sent', () => {
    const steps: string[] = []
    const { changes } = changesWith()

    const outer = changes.beginSending()
    changes.postpone(() => steps.push('postponed'))
    steps.push('sent')
    changes.endSending(outer)

    expect(steps).toEqual(['sent', 'postponed'])
  })

  it('calls no listener in the middle of a change when a change in it only postpones another one', () => {
    const steps: string[] = []
    const { changes, events } = changesWith(() => steps.push('told'))

    changes.make(() => {
      events.post('userOnline', { userId: 'alice' })
      changes.send(() => {
        changes.whilePostponing(() => changes.postpone(() => steps.push('postponed')))
        steps.push('sent')
      })
    })

    expect(steps).toEqual(['sent', 'postponed', 'told'])
  })

  it('lets listeners publish at once after a change that handed nothing to a socket, even if they were to be told afterwards', () => {
    const reported: string[] = []
    const { changes, events } = changesWith((userId) => reported.push(`${userId}, sending: ${changes.isSending}`))

    changes.make(() => {
      events.post('userOnline', { userId: 'alice' })
      changes.tellAfterwards()
    })

    expect(reported).toEqual(['alice, sending: false'])
  })

  it('settles a consequence at once if no change is running, and with the running change otherwise', () => {
    const steps: string[] = []
    const { changes } = changesWith()
    const consequence = (name: string): void =>
      changes.continue(() => {
        changes.afterwards(() => steps.push(`settled ${name}`))
        steps.push(name)
      })

    consequence('alone')
    changes.make(() => {
      consequence('within')
      steps.push('changed')
    })

    expect(steps).toEqual(['alone', 'settled alone', 'within', 'changed', 'settled within'])
  })

  it('does not tell a listener of the change in which it was registered, even if that change postponed another one', () => {
    const reported: string[] = []
    const { changes, events } = changesWith()

    changes.make(() =>
      changes.send(() => {
        events.on('userOnline', ({ userId }: { readonly userId: string }) => reported.push(userId))
        changes.whilePostponing(() => {})
        events.post('userOnline', { userId: 'alice' })
      }),
    )

    expect(reported).toEqual([])
  })

  it('calls no listener if nothing was posted', () => {
    const reported: string[] = []
    const { changes } = changesWith((userId) => reported.push(userId))

    changes.make(() => {})
    changes.endSending(changes.beginSending())

    expect(reported).toEqual([])
  })
})
