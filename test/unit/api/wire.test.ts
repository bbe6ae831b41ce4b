import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeBytes,
  encodeFrame,
  type Frame,
  frame,
  frameDecoder,
  type FrameType,
  maxFrameBytes,
  maxPayloadBytes,
} from '../../../src/api/wire.ts'

const types = fc.constantFrom(...(Object.values(frame) as FrameType[]))
const frames = fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 200 })), { maxLength: 20 })

describe('frameDecoder', () => {
  it('gives back the frames however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, sizes) => {
        const bytes = Buffer.concat(sent.map(([type, payload]) => encodeFrame(type, payload)))
        const decoder = frameDecoder()
        const got: Frame[] = []
        for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]!) {
          got.push(...decoder.push(bytes.subarray(at, at + sizes[i % sizes.length]!)))
        }
        expect(got).toEqual(sent.map(([type, payload]) => ({ type, payload: Buffer.from(payload) })))
      }),
    )
  })

  it('takes the largest frame in small pieces without joining it again and again', () => {
    const bytes = encodeFrame(frame.request, Buffer.alloc(maxPayloadBytes, 'x'))
    const decoder = frameDecoder()
    const started = performance.now()
    const got: Frame[] = []
    for (let at = 0; at < bytes.length; at += 8192) got.push(...decoder.push(bytes.subarray(at, at + 8192)))
    expect(got).toHaveLength(1)
    expect(got[0]!.payload).toHaveLength(maxPayloadBytes)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('refuses a frame that says it is larger', () => {
    const header = Buffer.alloc(5)
    header.writeUInt32BE(maxPayloadBytes + 1, 1)
    expect(() => frameDecoder().push(header)).toThrow('over the limit')
  })
})

describe('encodeBytes', () => {
  it('cuts to the frame limit and loses nothing', () => {
    const bytes = Buffer.alloc(maxFrameBytes * 2 + 7, 'y')
    const got = frameDecoder().push(Buffer.concat([...encodeBytes(frame.stdout, bytes)]))
    expect(got.map(({ payload }) => payload.length)).toEqual([maxFrameBytes, maxFrameBytes, 7])
    expect([...encodeBytes(frame.stdout, Buffer.alloc(0))]).toEqual([])
  })
})
