import { beforeEach } from 'vitest'

/** These start the built library in a process of its own: no change of src gets there. */
const OF_THE_BUILD = ['a process that does not clean up', 'a process that waits for sockets which do not close']

beforeEach(({ task, skip }) => {
  if (OF_THE_BUILD.includes(task.suite?.name)) skip()
})
