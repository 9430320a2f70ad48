import { describe, expect, it } from 'vitest'
import { CommandQueue } from '../../../src/protocol/command-queue.ts'
import type { Task } from '../../../src/protocol/task.ts'

const task = (step: () => boolean): Task => ({ step, expire() {}, revoked() {} })

describe('a command queue', () => {
  it('reports what a step throws, and goes on with the command behind it', () => {
    const errors: unknown[] = []
    const done: string[] = []
    const queue = new CommandQueue((error) => errors.push(error))

    queue.push(task(() => { throw new Error('bug') }))
    queue.push(task(() => done.push('next') > 0))

    expect(errors).toEqual([new Error('bug')])
    expect(done).toEqual(['next'])
    expect(queue.length).toBe(0)
  })
})
