import v8 from '@vitest/coverage-v8'

// If given the name "v8", vitest would look for this package beside itself, in the root, but only this folder has it.
export default {
  ...v8,
  async getProvider() {
    return Object.assign(await v8.getProvider(), { name: 'custom' })
  },
}
