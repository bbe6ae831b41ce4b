import { z } from 'zod'
import { Key } from '../../model/key.ts'

/** A key as people see it: without the id, which is between sshd and the controller. */
export const ShownKey = z.object(Key.shape).omit({ id: true })

export const shown = (key: Key): z.infer<typeof ShownKey> => ShownKey.parse(key)
