import { randomHex } from '../lib/ids.ts'

/** Tells what this process started from what one before it left behind. */
export const thisRun = randomHex(8)

export const throwawayLabels = (): Record<string, string> => ({ 'paas.run': thisRun })
