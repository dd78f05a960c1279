*** Settings ***
Documentation       Handlers run in the middle of a computation, which does not notice.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link


*** Test Cases ***
The Undisturbed Result
    Load Program    forced
    Start App
    Wait For Line On Uart    ${RESULT}
    Wait For Line On Uart    raised: button 0, soft0 0
    Result Should Be    0

The Result Is The Same With An Interrupt In Its Middle
    Load Program    forced
    Raise Irq    soft0    after_us=300
    Start App
    Wait For Line On Uart    interrupted by soft0: 1
    Wait For Line On Uart    ${RESULT}
    Wait For Line On Uart    raised: button 0, soft0 1
    Result Should Be    0
    Irq Should Have Been Delivered    soft0    at_least=1

Two Sources Interrupt The Same Computation
    Load Program    forced
    Raise Irq    button    after_us=200
    Raise Irq    soft0    after_us=400
    Start App
    Wait For Line On Uart    interrupted by button: 1
    Wait For Line On Uart    interrupted by soft0: 1
    Wait For Line On Uart    ${RESULT}
    Result Should Be    0

A Masked Source Waits Until It Is Let Through
    Load Program    waiting
    Enable Irq    soft0    no
    Start App
    Wait For Line On Uart    waiting
    Raise Irq    soft0
    Should Not Be On Uart    handled soft0    timeout=300ms
    Enable Irq    soft0    yes
    Wait For Line On Uart    handled soft0
    Result Should Be    0


*** Variables ***
${RESULT}       3245 primes, checksum 2092706092
