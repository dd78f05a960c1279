;; Memories whose pages are single bytes: sizes, growth and bounds are exact to the byte.

(module
  (memory (export "memory") 10 20 (pagesize 1))
  (data (i32.const 2) "abcdefgh")
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "load32") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load64") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "store16") (param i32 i32) (i32.store16 (local.get 0) (local.get 1)))
  (func (export "fixed") (result i32) (i32.load8_u (i32.const 9)))
  (func (export "fixed beyond") (result i32) (i32.load8_u (i32.const 10)))
  (func (export "fixed across") (result i32) (i32.load16_u (i32.const 9)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))

(assert_return (invoke "size") (i32.const 10))
(assert_return (invoke "load8" (i32.const 9)) (i32.const 104))
(assert_trap (invoke "load8" (i32.const 10)) "out of bounds memory access")
(assert_return (invoke "load32" (i32.const 6)) (i32.const 0x68676665))
(assert_trap (invoke "load32" (i32.const 7)) "out of bounds memory access")
(assert_return (invoke "load64" (i32.const 2)) (i64.const 0x6867666564636261))
(assert_trap (invoke "load64" (i32.const 3)) "out of bounds memory access")
(assert_trap (invoke "store16" (i32.const 9) (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "store16" (i32.const 8) (i32.const 0x4142)))
(assert_return (invoke "load8" (i32.const 9)) (i32.const 0x41))
(assert_return (invoke "fixed") (i32.const 0x41))
(assert_trap (invoke "fixed beyond") "out of bounds memory access")
(assert_trap (invoke "fixed across") "out of bounds memory access")
(assert_trap (invoke "fill" (i32.const 5) (i32.const 1) (i32.const 6)) "out of bounds memory access")
(assert_return (invoke "grow" (i32.const 11)) (i32.const -1))
(assert_return (invoke "grow" (i32.const 3)) (i32.const 10))
(assert_return (invoke "size") (i32.const 13))
(assert_return (invoke "load8" (i32.const 9)) (i32.const 0x41))
(assert_return (invoke "load8" (i32.const 12)) (i32.const 0))
(assert_trap (invoke "load8" (i32.const 13)) "out of bounds memory access")
(assert_return (invoke "fixed across") (i32.const 0x0041))
(assert_return (invoke "fill" (i32.const 5) (i32.const 1) (i32.const 8)))
(assert_return (invoke "load32" (i32.const 9)) (i32.const 0x01010101))
(assert_return (invoke "grow" (i32.const 7)) (i32.const 13))
(assert_return (invoke "grow" (i32.const 1)) (i32.const -1))
(assert_return (invoke "size") (i32.const 20))

;; No byte at all, and then three.
(module
  (memory 0 (pagesize 1))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "load16") (param i32) (result i32) (i32.load16_u (local.get 0))))
(assert_trap (invoke "load16" (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "grow" (i32.const 3)) (i32.const 0))
(assert_return (invoke "load16" (i32.const 1)) (i32.const 0))
(assert_trap (invoke "load16" (i32.const 2)) "out of bounds memory access")

;; A growth in the middle of a function is seen by the accesses after it.
(module
  (memory 0 64 (pagesize 1))
  (func (export "grow and use") (result i32)
    (drop (memory.grow (i32.const 64)))
    (i32.store (i32.const 60) (i32.const 42))
    (i32.add (i32.load (i32.const 60)) (memory.size))))
(assert_return (invoke "grow and use") (i32.const 106))

(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\05\04\01" "\08\01" "\11")
  "invalid custom page size")
(assert_invalid
  (module binary "\00asm" "\01\00\00\00" "\05\04\01" "\08\01" "\01")
  "invalid custom page size")

;; An import must have the page size of what it finds.
(module $bytes (memory (export "memory") 100 (pagesize 1)))
(register "bytes" $bytes)
(module (import "bytes" "memory" (memory 50 (pagesize 1))))
(assert_unlinkable (module (import "bytes" "memory" (memory 0))) "memory types incompatible")
(assert_unlinkable (module (import "bytes" "memory" (memory 101 (pagesize 1)))) "incompatible import type")
