;; memory.copy and memory.fill: overlap in both directions, lengths around the chunks of the implementation, bounds.

(module
  (memory (export "memory") 1)
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  ;; Bytes from..to get the low byte of (address * 7 + 3).
  (func (export "pattern") (param i32 i32)
    (loop
      (if (i32.lt_u (local.get 0) (local.get 1))
        (then
          (i32.store8 (local.get 0) (i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.const 3)))
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br 1)))))
  ;; A checksum of from..to that depends on the order.
  (func (export "sum") (param i32 i32) (result i32) (local i32)
    (loop
      (if (i32.lt_u (local.get 0) (local.get 1))
        (then
          (local.set 2 (i32.add (i32.mul (local.get 2) (i32.const 31)) (i32.load8_u (local.get 0))))
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br 1))))
    (local.get 2))
  ;; How many bytes of from..to differ from what "pattern" wrote `shift` bytes earlier.
  (func (export "wrong") (param i32 i32 i32) (result i32) (local i32)
    (loop
      (if (i32.lt_u (local.get 0) (local.get 1))
        (then
          (local.set 3
            (i32.add
              (local.get 3)
              (i32.ne
                (i32.load8_u (local.get 0))
                (i32.and
                  (i32.add (i32.mul (i32.sub (local.get 0) (local.get 2)) (i32.const 7)) (i32.const 3))
                  (i32.const 255)))))
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br 1))))
    (local.get 3)))

(assert_return (invoke "fill" (i32.const 1) (i32.const 0x1ab) (i32.const 3)))
(assert_return (invoke "load" (i32.const 0)) (i32.const 0))
(assert_return (invoke "load" (i32.const 1)) (i32.const 0xab))
(assert_return (invoke "load" (i32.const 3)) (i32.const 0xab))
(assert_return (invoke "load" (i32.const 4)) (i32.const 0))

;; Exactly to the end, nothing at the end, and beyond: then nothing is written.
(assert_return (invoke "fill" (i32.const 65530) (i32.const 9) (i32.const 6)))
(assert_return (invoke "load" (i32.const 65535)) (i32.const 9))
(assert_return (invoke "fill" (i32.const 65536) (i32.const 9) (i32.const 0)))
(assert_trap (invoke "fill" (i32.const 65537) (i32.const 9) (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "fill" (i32.const 60000) (i32.const 8) (i32.const 5537)) "out of bounds memory access")
(assert_return (invoke "load" (i32.const 60000)) (i32.const 0))
(assert_trap (invoke "fill" (i32.const 1) (i32.const 8) (i32.const -1)) "out of bounds memory access")
(assert_return (invoke "copy" (i32.const 65536) (i32.const 0) (i32.const 0)))
(assert_return (invoke "copy" (i32.const 0) (i32.const 65536) (i32.const 0)))
(assert_trap (invoke "copy" (i32.const 65537) (i32.const 0) (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "copy" (i32.const 0) (i32.const 65537) (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "copy" (i32.const 60000) (i32.const 0) (i32.const 5537)) "out of bounds memory access")
(assert_trap (invoke "copy" (i32.const 0) (i32.const 60000) (i32.const 5537)) "out of bounds memory access")
(assert_return (invoke "load" (i32.const 60001)) (i32.const 0))

;; Overlap forwards and backwards, by little and by much, at lengths that are not multiples of anything.
(assert_return (invoke "pattern" (i32.const 1000) (i32.const 3000)))
(assert_return (invoke "copy" (i32.const 1001) (i32.const 1000) (i32.const 1999)))
(assert_return (invoke "wrong" (i32.const 1001) (i32.const 3000) (i32.const 1)) (i32.const 0))
(assert_return (invoke "copy" (i32.const 1000) (i32.const 1001) (i32.const 1999)))
(assert_return (invoke "wrong" (i32.const 1000) (i32.const 2999) (i32.const 0)) (i32.const 0))
(assert_return (invoke "pattern" (i32.const 1000) (i32.const 3000)))
(assert_return (invoke "copy" (i32.const 1300) (i32.const 1000) (i32.const 1537)))
(assert_return (invoke "wrong" (i32.const 1300) (i32.const 2837) (i32.const 300)) (i32.const 0))
(assert_return (invoke "wrong" (i32.const 1000) (i32.const 1300) (i32.const 0)) (i32.const 0))
(assert_return (invoke "wrong" (i32.const 2837) (i32.const 3000) (i32.const 0)) (i32.const 0))
(assert_return (invoke "copy" (i32.const 1000) (i32.const 1300) (i32.const 1537)))
(assert_return (invoke "wrong" (i32.const 1000) (i32.const 2537) (i32.const 0)) (i32.const 0))
(assert_return (invoke "copy" (i32.const 1500) (i32.const 1500) (i32.const 700)))
(assert_return (invoke "wrong" (i32.const 1000) (i32.const 2537) (i32.const 0)) (i32.const 0))
(assert_return (invoke "pattern" (i32.const 1000) (i32.const 3000)))
(assert_return (invoke "copy" (i32.const 4000) (i32.const 1000) (i32.const 2000)))
(assert_return (invoke "wrong" (i32.const 4000) (i32.const 6000) (i32.const 3000)) (i32.const 0))
(assert_return (invoke "load" (i32.const 3999)) (i32.const 0))
(assert_return (invoke "load" (i32.const 6000)) (i32.const 0))
(assert_return (invoke "fill" (i32.const 4001) (i32.const 0) (i32.const 1998)))
(assert_return (invoke "sum" (i32.const 4001) (i32.const 5999)) (i32.const 0))
(assert_return (invoke "wrong" (i32.const 4000) (i32.const 4001) (i32.const 3000)) (i32.const 0))
(assert_return (invoke "wrong" (i32.const 5999) (i32.const 6000) (i32.const 3000)) (i32.const 0))

(assert_invalid
  (module (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))
  "unknown memory")
(assert_invalid
  (module (memory 1) (func (memory.copy (i32.const 0) (i64.const 0) (i32.const 0))))
  "type mismatch")
