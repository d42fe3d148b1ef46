import { after } from 'node:test'
import { BucketBench, removeBucket, testPlace } from './buckets.ts'
import { storeConformance } from './conformance.ts'
import { sharingConformance } from './sharing.ts'

const place = testPlace()
after(() => removeBucket(place))

storeConformance('S3', async () => new BucketBench(place))
sharingConformance('S3', async () => new BucketBench(place))
