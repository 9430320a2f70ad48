import { beforeEach } from 'vitest'

/** Suites that start the built library in another process, which a mutant of src does not reach. */
const SUITES_OF_THE_BUILD = ['a process that does not clean up', 'a process that waits for sockets to close']

beforeEach(({ task, skip }) => {
  if (SUITES_OF_THE_BUILD.includes(task.suite?.name)) skip()
})
